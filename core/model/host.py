"""What runs beneath Kubernetes on a machine: its firewall, disks, kernel settings, and whom it trusts and tells."""

import re
import ssl
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from .disk import DiskSpec
from .faults import refuse
from .types import ByName, ContainerImage, CpuQuantity, Model, Network, Quantity, text


def _ports(value: Any) -> Any:
    shown = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    found = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", shown)
    if not found:
        refuse(
            f"{shown!r} is not a port or a range of ports",
            "the firewall opens it as it stands",
            "write e.g. 9100 or 9100-9110",
        )
    first, last = int(found[1]), int(found[2] or found[1])
    if not 1 <= first <= last <= 65535:
        refuse(f"{shown!r} names no port", "ports are 1 to 65535, the lower one first", "write e.g. 9100 or 9100-9110")
    return shown


def ends(ports: str) -> tuple[int, int]:
    """First and last of 9100-9110, or 9100 twice."""
    first, _, last = ports.partition("-")
    return int(first), int(last or first)


Ports = Annotated[
    str,
    BeforeValidator(_ports),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": 65535},
                {"type": "string", "pattern": r"^\d{1,5}(-\d{1,5})?$"},
            ]
        }
    ),
]


def _certificate(value: str) -> str:
    try:
        if not value:
            raise ValueError
        ssl.create_default_context(cadata=value)
    except (ssl.SSLError, TypeError, ValueError):
        refuse(
            "is not a PEM certificate",
            "machines check servers with it",
            "write -----BEGIN CERTIFICATE----- and what follows; a private key never belongs here",
        )
    return value


def _only_certificates(value: str) -> str:
    # OpenSSL skips over a key that lies between certificates, and a plan would show it.
    if "PRIVATE KEY" in value:
        refuse(
            "holds a private key",
            "the stack file and plans are plain text",
            "write the certificates alone, and make a new key",
        )
    return value


Certificates = Annotated[str, AfterValidator(_only_certificates), AfterValidator(_certificate)]


def _public_key(value: str) -> str:
    if not re.fullmatch(
        r"\s*-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----\s*|\s*-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*",
        value,
    ):
        refuse(
            "is neither a public key nor a certificate in PEM",
            "images are checked with it",
            "write what cosign wrote to cosign.pub",
        )
    return value


PublicKey = Annotated[str, AfterValidator(_public_key)]

LogUrl = text(
    r"(tcp|udp)://[A-Za-z0-9.-]+:\d{1,5}",
    "a log receiver",
    "Talos sends lines of JSON by TCP or UDP",
    "write e.g. tcp://logs.example.com:5044, with no path",
)
KmsUrl = text(
    r"https://[A-Za-z0-9.-]+:\d{1,5}",
    "a KMS server",
    "keys of disks go there, and never in the clear",
    "write e.g. https://kms.example.com:4050",
)
SysctlKey = text(
    r"[a-z0-9_]+([.][A-Za-z0-9_-]+)+",
    "a kernel parameter",
    "it is a path below /proc/sys, with dots",
    "write e.g. vm.nr_hugepages",
)
SysctlValue = text(
    r"\S(.{0,198}\S)?", "a kernel parameter's value", "it is written as it stands", 'write it in quotes, e.g. "1024"'
)
ModuleName = text(
    r"[a-z0-9][a-z0-9_-]{0,54}", "a kernel module", "the kernel looks it up by name", "write e.g. vfio_pci"
)
ModuleParameter = text(
    r"[a-z0-9_]+=\S+", "a module's parameter", "it is handed over as it stands", "write e.g. usermode_helper=disabled"
)
VolumeName = text(
    r"[a-z0-9]([a-z0-9-]{0,32}[a-z0-9])?",
    "a volume's name",
    "it becomes a partition's label and the folder /var/mnt/NAME",
    "use a-z, 0-9 and -, at most 34, e.g. longhorn",
)
RuleName = text(
    r"[a-z0-9]([a-z0-9-]{0,39}[a-z0-9])?",
    "a firewall opening's name",
    "it becomes a document's name",
    "use a-z, 0-9 and -, at most 41, e.g. node-exporter",
)
RegistryHost = text(
    r"\*|[a-z0-9.-]+(:\d{1,5})?",
    "a registry's host",
    "images are named by it",
    "write e.g. registry.example.com or registry.example.com:5000",
)
ImagePattern = text(
    r"[a-z0-9.*-]+(:\d+)?(/[a-z0-9._*-]+)*(:[A-Za-z0-9._*-]+)?",
    "a pattern of image names",
    "images are matched with it",
    "write e.g. registry.example.com/shop/*",
)
WatchdogDevice = text(r"/dev/watchdog\d*", "a watchdog device", "the kernel names them so", "write /dev/watchdog0")


class Opening(Model):
    ports: tuple[Ports, ...] = Field(min_length=1, examples=["[9100]"])
    """Ports of every machine, e.g. 9100 or "9100-9110"."""
    protocol: Literal["tcp", "udp"] = "tcp"
    sources: tuple[Network, ...] = Field(min_length=1, examples=["[10.0.5.0/24]"])
    """Networks that may come in there."""


class FirewallSpec(Model):
    """Talos' own, beneath Cilium: every machine drops what comes in to it and is not opened."""

    enabled: bool = True
    admins: tuple[Network, ...] = ()
    """From where the Talos and the Kubernetes API may be reached, besides machines and pods. With none, from anywhere: neither lets in anybody without a certificate."""
    allow: ByName[RuleName, Opening] = Field(default={}, validate_default=True)
    """What else is open. The platform's own ports are, and need no entry."""


class WatchdogSpec(Model):
    """The machine's hardware restarts it when Talos stops answering it."""

    device: WatchdogDevice = "/dev/watchdog0"
    seconds: Annotated[int, Field(ge=10, le=600, strict=True)] = 300


class Reserved(Model):
    """What pods never get: kept for Talos and the kubelet."""

    cpu: CpuQuantity = "50m"
    memory: Quantity | None = None
    """With none, Talos' own measure: 512Mi on control planes, 384Mi on workers."""
    storage: Quantity = "256Mi"


class VolumeSpec(Model):
    """A volume of the machine for storage drivers, mounted at /var/mnt/NAME."""

    disk: DiskSpec = Field(examples=["{model: MZQL2*, size: '>= 3TB', type: nvme}"])
    """Never the disk that Talos is installed on."""
    filesystem: Literal["xfs", "ext4", "none"] = "xfs"
    """none leaves the partition raw: /dev/disk/by-partlabel/r-NAME."""
    min: Quantity = "1Gi"
    """How much there must be free."""
    max: Quantity | None = None
    """With none, all that is free."""

    @model_validator(mode="after")
    def _grows(self) -> Self:
        if self.max is not None and mebibytes(self.max) < mebibytes(self.min):
            refuse(
                f"max {self.max} is less than min {self.min}",
                "no partition could be both",
                "write max: as the larger one, or leave it out",
            )
        return self


def mebibytes(quantity: str) -> int:
    """512Mi, 4Gi or 1Ti in MiB."""
    return int(quantity[:-2]) * {"Mi": 1, "Gi": 1024, "Ti": 1024**2}[quantity[-2:]]


class ImageRule(Model):
    """What an image whose name matches must be. The first rule that matches counts."""

    image: ImagePattern = Field(examples=["registry.example.com/shop/*"])
    key: PublicKey | None = None
    """PEM of the public key that signed it with cosign."""
    deny: bool = False
    """Never run it."""
    skip: bool = False
    """Run it unchecked."""

    @model_validator(mode="after")
    def _one_of_three(self) -> Self:
        if sum((self.key is not None, self.deny, self.skip)) != 1:
            refuse(
                "says not exactly one of key, deny and skip",
                "an image is checked, refused, or let through",
                "write one of the three",
            )
        return self


class Settings(Model):
    """What machines are given beneath Kubernetes."""

    sysctls: ByName[SysctlKey, SysctlValue] = Field(default={}, validate_default=True)
    """Kernel parameters, e.g. vm.nr_hugepages."""
    modules: ByName[ModuleName, tuple[ModuleParameter, ...]] = Field(default={}, validate_default=True)
    """Kernel modules to load, each with its parameters."""
    watchdog: WatchdogSpec | None = None
    """The hardware watchdog. With none, nothing restarts a machine that hangs."""


class Tuning(Settings):
    """The same for machines of one kind, and what follows from their hardware."""

    volumes: ByName[VolumeName, VolumeSpec] = Field(default={}, validate_default=True)
    """Disks, or parts of them, for storage drivers."""


class RegistryTls(Model):
    ca: Certificates
    """PEM of the authority that signed the registry's certificate."""


class KubernetesHardening(Model):
    """Parts of the benchmark that somebody may have to do without, or asks for."""

    serving_certificates: Literal["cluster", "self-signed"] = "cluster"
    """How kubelets prove who they are: by certificates that the cluster signs. self-signed proves nothing, and needs exceptions to CIS 1.2.5, CIS 4.2.9 and CIS 4.2.11."""
    approver: ContainerImage = "ghcr.io/alex1989hu/kubelet-serving-cert-approver:0.11.0"
    """What approves kubelets' requests for them, best with @sha256:…: it may approve for every node."""
    always_pull: bool = False
    """Ask the registry at every start of a pod, so that nobody runs an image that a neighbour had the right to pull."""
