"""One machine of the platform, and what the machines of a class have in common."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from core.facts.networks import IpAddress
from core.facts.quantities import mebibytes

from .addresses import Address, Mac
from .amounts import Memory
from .bmc import BmcSpec, SharedBmcSpec
from .disk import DiskSpec
from .faults import refuse
from .host import TuningSpec
from .identity import HardwareSerial, HardwareUuid
from .labels import Labels, Taints
from .nics import BOOT_LINK, NicsSpec
from .pattern import Visible
from .schematic import SchematicOrId
from .types import Architecture, ClassName, LinkName, Model, Place


def _strategic_merge(value: Any) -> Any:
    if isinstance(value, list):
        refuse(
            "is a JSON6902 patch",
            "Talos refuses JSON6902 where the config has several documents, as it has here",
            "write the change as a strategic-merge document",
        )
    if isinstance(value, Mapping) and not ({"machine", "cluster"} & set(value) or {"apiVersion", "kind"} <= set(value)):
        refuse(
            "is neither machine config (machine:, cluster:) nor a document (apiVersion:, kind:)",
            "Talos merges patches by structure and would refuse it on the machine",
            "write a strategic-merge document",
        )
    return value


Patch = Annotated[
    Mapping[str, Any],
    Visible,
    BeforeValidator(_strategic_merge),
    Field(description="One strategic-merge document of machine config."),
]


class InstallSpec(Model):
    """Where Talos is installed, and how often it was."""

    disk: DiskSpec = Field(examples=["{serial: S4EWNX0R}"])
    """The disk that Talos is installed on."""
    generation: int = Field(default=1, ge=0, le=1_000_000, strict=True)
    """Permission to install: a machine with a BMC is booted from the network once per generation. Raise it to
    reinstall; 0 never installs."""


class ExpectedSpec(Model):
    """Hardware that the machine must have at least. Checked before it gets its config."""

    threads: Annotated[int, Field(ge=1, le=4096, strict=True)] | None = None
    """Hardware threads of all processors together."""
    memory: Memory | None = Field(default=None, examples=["128Gi"])
    """Memory of all modules together."""

    @property
    def memory_mib(self) -> int | None:
        """The expected memory in MiB."""
        return None if self.memory is None else mebibytes(self.memory)


class LocationSpec(Model):
    """Where the machine stands. Becomes annotations of its node: bedplate/site, bedplate/rack, bedplate/unit."""

    site: Place | None = None
    rack: Place | None = None
    unit: Annotated[int, Field(ge=1, le=99, strict=True)] | None = None
    """Rack unit, counted from the floor."""
    zone: Literal["rack", "site"] | None = None
    """Which of the two fails as a unit. It becomes the node's topology.kubernetes.io/zone; with rack, the site becomes
    the region."""

    @property
    def labels(self) -> dict[str, str]:
        """The node labels that `zone` makes: label key to value."""
        zone = {"rack": self.rack, "site": self.site}[self.zone] if self.zone else None
        region = self.site if self.zone == "rack" else None
        labels = {"topology.kubernetes.io/region": region, "topology.kubernetes.io/zone": zone}
        return {key: value for key, value in labels.items() if value}


class MachineClassSpec(TuningSpec):
    """What a class's machines have in common. A machine's own keys take precedence; mappings are merged by key."""

    role: Literal["controlplane", "worker"] | None = None
    arch: Architecture | None = None
    """Processor architecture of its machines."""
    schematic: SchematicOrId | None = None
    """What differs from talos.schematic in the images of its machines."""
    link: LinkName | None = None
    """Kernel name of the boot link, where it can't be found by its MAC."""
    nics: NicsSpec | None = None
    """Links besides the boot link. A machine's own are merged by name, and by key within."""
    install: InstallSpec | None = None
    bmc: SharedBmcSpec | None = None
    """What the BMCs have in common. Each machine adds its url; a machine without a BMC writes bmc: null."""
    expects: ExpectedSpec | None = None
    location: LocationSpec | None = None
    labels: Labels = Field(default={}, validate_default=True)
    """Kubernetes node labels."""
    taints: Taints = Field(default={}, validate_default=True)
    """Kubernetes node taints: key to value:effect."""
    patches: tuple[Patch, ...] = ()
    """Machine config, merged before a machine's own patches."""

    @model_validator(mode="after")
    def _selects_no_single_disk(self) -> Self:
        if self.install and (self.install.disk.serial or self.install.disk.wwid):
            refuse(
                "selects one single disk",
                "every machine of the class would look for that disk",
                "write model and size here, or the serial in each machine",
            )
        return self


def _required_or_from_class(schema: dict[str, Any]) -> None:
    """Let editors require role and install only of a machine without a class."""
    schema["required"] = ["address"]
    schema["anyOf"] = [{"required": ["role", "install"]}, {"required": ["class"]}]


class MachineSpec(TuningSpec):
    """One machine, by the name that its node has in Kubernetes."""

    model_config = ConfigDict(json_schema_extra=_required_or_from_class)

    class_: ClassName | None = Field(default=None, alias="class")
    """One of classes:. It supplies the keys that are not set here."""
    role: Literal["controlplane", "worker"] = Field(examples=["worker"])
    arch: Architecture = "amd64"
    """Processor architecture: it decides which kernel, initramfs and boot loader the machine boots."""
    schematic: SchematicOrId | None = None
    """What differs from talos.schematic in this machine's images. Each key that is set here replaces that key there."""
    address: Address = Field(examples=["192.168.10.11"])
    """Address of the machine, where its Talos API answers from maintenance mode on."""
    ipv6: Address | None = None
    """Its IPv6 address in a platform of IPv4 and IPv6. Unset: DHCP or router announcements assign it."""
    mac: Mac | None = None
    """MAC of the link that the machine boots from. The boot server identifies the machine by it."""
    uuid: HardwareUuid | None = None
    """SMBIOS UUID that the firmware reports. It identifies the machine whatever its address is."""
    serial: HardwareSerial | None = None
    """Serial number that the firmware reports."""
    link: LinkName | None = None
    """Kernel name of the boot link, where it can't be found by its MAC."""
    nics: NicsSpec = Field(default_factory=NicsSpec)
    """Links besides the boot link: bonds, VLANs, bridges, routes, MTU."""
    expects: ExpectedSpec = ExpectedSpec()
    location: LocationSpec = LocationSpec()
    install: InstallSpec = Field(examples=["{disk: {serial: S4EWNX0R}}"])
    bmc: BmcSpec | None = None
    """Powers the machine on. Without it, a person does."""
    decommission: Literal["wipe", "lost"] | None = None
    """Removes the machine from the platform at the next `up`; afterwards delete its entry. wipe: drain it, remove it
    from etcd, erase it and power it off. lost: it is dead, so only remove it from the cluster."""
    labels: Labels = Field(default={}, validate_default=True)
    """Kubernetes node labels."""
    taints: Taints = Field(default={}, validate_default=True)
    """Kubernetes node taints: key to value:effect."""
    patches: tuple[Patch, ...] = ()
    """Machine config of this machine alone, merged last."""

    @property
    def addresses(self) -> tuple[IpAddress, ...]:
        """The machine's own addresses: address, and ipv6 where it is set."""
        return (self.address, *([self.ipv6] if self.ipv6 else []))

    @property
    def boot_link(self) -> str | None:
        """Name of the link that the machine boots from; None where neither mac nor link says which one that is."""
        return self.link or (BOOT_LINK if self.mac else None)
