"""What runs beneath Kubernetes on a machine: kernel settings, watchdog, volumes, logs and image rules."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from core.facts.quantities import mebibytes
from core.facts.sysctls import dotted

from .amounts import CpuQuantity, Memory, Quantity
from .containerd import Containerd
from .disk import DiskSpec
from .faults import refuse
from .images import ContainerImage
from .pattern import Pattern
from .pem import VerificationKey
from .types import ByName, Model

# One part of a name may contain what separates parts in the other spelling: eth0.5 is a link's name.
_DOTTED, _SLASHED = r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*", r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*"
SysctlKey = Annotated[
    str,
    Pattern(
        rf"[a-z0-9_]+((\.{_DOTTED})+|(/{_SLASHED})+)",
        "the name of a kernel parameter",
        "the name is a path below /proc/sys, with slashes, or with dots in place of slashes",
        "write e.g. vm.nr_hugepages, net.ipv4.conf.eth0/5.forwarding or net/ipv4/conf/eth0.5/forwarding",
    ),
    AfterValidator(dotted),
]


def _one_spelling(value: Any) -> Any:
    seen: dict[str, str] = {}
    for key in value if isinstance(value, Mapping) else ():
        other = seen.setdefault(dotted(key), key) if isinstance(key, str) else key
        if other != key and len(key) <= 200 and key.isprintable():
            refuse(
                f"sets {dotted(key)} twice, as {other} and as {key}",
                "the kernel has one value of a parameter",
                "remove one of the two",
            )
    return value


SysctlValue = Annotated[
    str,
    Pattern(
        r"[!-~]([ -~]{0,198}[!-~])?",
        "the value of a kernel parameter",
        "the kernel gets exactly this text",
        'write it in quotes, e.g. "1024"',
    ),
]
ModuleName = Annotated[
    str,
    Pattern(
        r"[a-z0-9][a-z0-9_-]{0,54}",
        "the name of a kernel module",
        "the kernel loads the module by this name",
        "write e.g. vfio_pci",
    ),
]
ModuleParameter = Annotated[
    str,
    Pattern(
        r"[A-Za-z0-9_]+=[!#-&(-\[\]-~]+",
        "a parameter of a kernel module",
        "the module gets exactly this text",
        "write e.g. usermode_helper=disabled",
    ),
]
VolumeName = Annotated[
    str,
    Pattern(
        r"[a-z0-9]([a-z0-9-]{0,32}[a-z0-9])?",
        "a valid name of a volume",
        "the partition's label and the mount point /var/mnt/NAME are made from it",
        "use at most 34 of a-z, 0-9 and -, e.g. longhorn",
    ),
]
ImagePattern = Annotated[
    str,
    Pattern(
        r"[a-z0-9.*-]+(:\d+)?(/[a-z0-9._*-]+)*(:[A-Za-z0-9._*-]+)?",
        "a pattern of image names",
        "names of images are matched against it",
        "write e.g. registry.example.com/shop/*",
    ),
]
WatchdogDevice = Annotated[
    str,
    Pattern(
        r"/dev/watchdog\d*",
        "a watchdog device",
        "the kernel gives watchdogs no other names",
        "write /dev/watchdog0",
    ),
]


class WatchdogSpec(Model):
    """The hardware watchdog restarts a machine on which Talos hangs."""

    device: WatchdogDevice = "/dev/watchdog0"
    seconds: Annotated[int, Field(ge=10, le=600, strict=True)] = 300
    """Seconds without a sign of life before the restart."""


KubeletMountPath = Annotated[
    str,
    Pattern(
        r"/var/(?!(?:lib/)?(?:kubelet|etcd|containerd|cni|udev|seccomp|run|log|system|etc)(?:/|$))"
        r"(?!(?:run|log|etc|tmp|lib)$)(?!.*/\.{1,2}(?:/|$))[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9_.-]+)*",
        "a folder that the kubelet can share",
        "folders outside /var are read-only or lost at the next boot, and some below it are Talos' own",
        "write e.g. /var/lib/longhorn or /var/local",
    ),
]


class KubeletMountSpec(Model):
    """A folder that the kubelet sees under the same path, with what is mounted in it later."""

    read_only: bool = False
    """The kubelet and its pods only read it."""


class ReservedSpec(Model):
    """Resources that are reserved for Talos and the kubelet, and that pods never get."""

    cpu: CpuQuantity = "50m"
    memory: Memory | None = None
    """Unset: Talos' default, 512Mi on control planes and 384Mi on workers."""
    storage: Quantity = "256Mi"


class VolumeSpec(Model):
    """A volume of the machine for storage drivers, mounted at /var/mnt/NAME."""

    disk: DiskSpec = Field(examples=["{model: MZQL2*, size: '>= 3TB', type: nvme}"])
    """The disk. It can't be the one that Talos is installed on."""
    filesystem: Literal["xfs", "ext4", "none"] = "xfs"
    """none leaves the partition raw: /dev/disk/by-partlabel/r-NAME."""
    min: Quantity = "1Gi"
    """Free space that the disk must have."""
    max: Quantity | None = None
    """Largest size of the volume. Unset: all free space of the disk."""

    @model_validator(mode="after")
    def _min_fits_into_max(self) -> Self:
        if self.max is not None and mebibytes(self.max) < mebibytes(self.min):
            refuse(
                f"max {self.max} is less than min {self.min}",
                "no volume can have a size between the two",
                "raise max to at least min, or remove it",
            )
        return self


class ImageRuleSpec(Model):
    """What is required of an image whose name matches. The first matching rule applies."""

    image: ImagePattern = Field(examples=["registry.example.com/shop/*"])
    key: VerificationKey | None = None
    """PEM of the public key for the image's cosign signature."""
    deny: bool = False
    """Never run the image."""
    skip: bool = False
    """Run the image without verifying it."""

    @model_validator(mode="after")
    def _one_of_three(self) -> Self:
        if sum((self.key is not None, self.deny, self.skip)) != 1:
            refuse(
                "does not set exactly one of key, deny and skip",
                "an image is either verified, denied, or run without verification",
                "set one of the three",
            )
        return self


class SettingsSpec(Model):
    """Kernel settings that a stack file makes for all machines or for one."""

    sysctls: Annotated[ByName[SysctlKey, SysctlValue], BeforeValidator(_one_spelling)] = Field(
        default={}, validate_default=True
    )
    """Kernel parameters, e.g. vm.nr_hugepages, or net/ipv4/conf/eth0.5/forwarding."""
    modules: ByName[ModuleName, tuple[ModuleParameter, ...]] = Field(default={}, validate_default=True)
    """Kernel modules to load, each with its parameters."""
    watchdog: WatchdogSpec | None = None
    """The hardware watchdog. Unset: nothing restarts a machine that hangs."""
    containerd: Containerd = Field(default={}, validate_default=True)
    """Settings of containerd: plugin, e.g. io.containerd.cri.v1.images, to its settings by name."""
    kubelet_mounts: ByName[KubeletMountPath, KubeletMountSpec] = Field(default={}, validate_default=True)
    """Folders of the machine that the kubelet and storage drivers share, besides volumes. Up to contract v1.13."""


class TuningSpec(SettingsSpec):
    """Settings of one machine or of a class, with those that depend on its hardware."""

    volumes: ByName[VolumeName, VolumeSpec] = Field(default={}, validate_default=True)
    """Disks, or parts of disks, for storage drivers."""


class KubernetesHardeningSpec(Model):
    """Hardening of Kubernetes that a site may have to relax or to tighten."""

    serving_certificates: Literal["cluster", "self-signed"] = "cluster"
    """How kubelets identify themselves: with certificates that the cluster signs. self-signed certificates identify
    nobody, and need exceptions to CIS 1.2.5, CIS 4.2.9 and CIS 4.2.11."""
    approver: ContainerImage = "ghcr.io/alex1989hu/kubelet-serving-cert-approver:0.11.0"
    """Image of the controller that approves kubelets' certificate requests. Pin it with @sha256:…, because it can
    approve a request of any node."""
    always_pull: bool = False
    """Contact the registry at every start of a pod, so that a pod can't use an image that only another pod on the node
    has the credentials for."""
