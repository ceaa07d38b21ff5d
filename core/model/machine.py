"""One machine of the platform, and what machines of a class share."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from .bmc import BmcSpec, SharedBmc
from .disk import DiskSpec
from .faults import refuse
from .host import Tuning
from .nics import BOOT_LINK, Nics
from .types import (
    Address,
    ClassName,
    HardwareSerial,
    HardwareUuid,
    Labels,
    LinkName,
    Mac,
    Model,
    Place,
    Quantity,
    Taints,
)


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        refuse(
            "is a JSON6902 patch",
            "Talos refuses those where the config has several documents, as it has here",
            "write the same change as a strategic-merge document",
        )
    if isinstance(value, Mapping) and not ({"machine", "cluster"} & set(value) or {"apiVersion", "kind"} <= set(value)):
        refuse(
            "is neither machine config (machine:, cluster:) nor a document (apiVersion:, kind:)",
            "Talos merges by structure and would refuse it on the machine",
            "write a strategic-merge document",
        )
    return value


Patch = Annotated[
    Mapping[str, Any],
    BeforeValidator(_plain),
    Field(description="One strategic-merge document of machine config."),
]


class InstallSpec(Model):
    disk: DiskSpec = Field(examples=["{serial: S4EWNX0R}"])
    """Where Talos is installed."""
    generation: int = Field(default=1, ge=0, le=1_000_000, strict=True)
    """The permit: a machine with a BMC boots from the network once for each. Raise it to install again; 0 permits none."""


class Expected(Model):
    """What the hardware must have at least. Compared before a machine gets its config."""

    threads: Annotated[int, Field(ge=1, le=4096, strict=True)] | None = None
    """Hardware threads of all its processors together."""
    memory: Quantity | None = Field(default=None, examples=["128Gi"])
    """What its memory modules add up to."""

    @property
    def memory_mib(self) -> int | None:
        """The same in MiB."""
        if self.memory is None:
            return None
        return int(self.memory[:-2]) * {"Mi": 1, "Gi": 1024, "Ti": 1024**2}[self.memory[-2:]]


class Location(Model):
    """Where a person finds the machine: annotations of its node (bedplate/site, bedplate/rack, bedplate/unit)."""

    site: Place | None = None
    rack: Place | None = None
    unit: Annotated[int, Field(ge=1, le=99, strict=True)] | None = None
    """Counted from the floor."""
    zone: Literal["rack", "site"] | None = None
    """Which of the two fails as one: the node's topology.kubernetes.io/zone, with the site as region above a rack."""

    @property
    def labels(self) -> dict[str, str]:
        """The node labels that were asked for."""
        zone = {"rack": self.rack, "site": self.site}[self.zone] if self.zone else None
        region = self.site if self.zone == "rack" else None
        made = {"topology.kubernetes.io/region": region, "topology.kubernetes.io/zone": zone}
        return {key: value for key, value in made.items() if value}


class MachineClass(Tuning):
    """What equal machines share. A machine's own keys win; those that are mappings of names are merged by key."""

    role: Literal["controlplane", "worker"] | None = None
    link: LinkName | None = None
    """The boot link's kernel name, where it can't be found by its MAC."""
    nics: Nics | None = None
    """Links beyond the boot link; a machine's own are merged by name, and by key within."""
    install: InstallSpec | None = None
    bmc: SharedBmc | None = None
    """Each machine gives its url, and one with no BMC says bmc: null."""
    expects: Expected | None = None
    location: Location | None = None
    labels: Labels = Field(default={}, validate_default=True)
    """Kubernetes node labels."""
    taints: Taints = Field(default={}, validate_default=True)
    """Kubernetes node taints: key to value:effect."""
    patches: tuple[Patch, ...] = ()
    """Machine config, merged before a machine's own patches."""

    @model_validator(mode="after")
    def _names_no_single_disk(self) -> Self:
        if self.install and (self.install.disk.serial or self.install.disk.wwid):
            refuse(
                "names one disk",
                "every machine of the class would look for it",
                "write model and size here, or the serial in each machine",
            )
        return self


def _or_of_a_class(schema: dict[str, Any]) -> None:
    """What an editor must ask for: a class may give the rest."""
    schema["required"] = ["address"]
    schema["anyOf"] = [{"required": ["role", "install"]}, {"required": ["class"]}]


class MachineSpec(Tuning):
    model_config = ConfigDict(json_schema_extra=_or_of_a_class)

    class_: ClassName | None = Field(default=None, alias="class")
    """One of classes:, which gives what is not said here."""
    role: Literal["controlplane", "worker"] = Field(examples=["worker"])
    address: Address = Field(examples=["192.168.10.11"])
    """Where the Talos API answers, from maintenance mode on."""
    mac: Mac | None = None
    """The link that it boots from. The boot server knows the machine by it."""
    uuid: HardwareUuid | None = None
    """The hardware's own, as its firmware tells it (SMBIOS): which machine this is, whatever its address."""
    serial: HardwareSerial | None = None
    """The machine's serial number, as its firmware tells it."""
    link: LinkName | None = None
    """That link's kernel name, where it can't be found by its MAC."""
    nics: Nics = Field(default_factory=Nics)
    """Links beyond the boot link: bonds, VLANs, bridges, routes, MTU."""
    expects: Expected = Expected()
    location: Location = Location()
    install: InstallSpec = Field(examples=["{disk: {serial: S4EWNX0R}}"])
    bmc: BmcSpec | None = None
    """What switches it on. Without it somebody does that by hand."""
    decommission: Literal["wipe", "lost"] | None = None
    """Takes it out of the platform at the next up; then delete its entry. wipe: drained, out of etcd, erased and switched off. lost: it is dead, and only forgotten."""
    labels: Labels = Field(default={}, validate_default=True)
    """Kubernetes node labels."""
    taints: Taints = Field(default={}, validate_default=True)
    """Kubernetes node taints: key to value:effect."""
    patches: tuple[Patch, ...] = ()
    """Machine config for this machine alone, merged last."""

    @property
    def boot_link(self) -> str | None:
        """What the link that it boots from is called; None where nobody said which one that is."""
        return self.link or (BOOT_LINK if self.mac else None)
