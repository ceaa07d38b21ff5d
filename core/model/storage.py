"""The `storage` and `cdi` sections: where disks of VMs are, and what fills them."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from core.facts import storage
from core.facts.storage_capabilities import LONGHORN, Mode, capabilities, mode
from core.facts.versions import CURRENT

from .faults import refuse
from .host import VolumeName
from .images import ImageRepository
from .pattern import Pattern
from .types import ByName, CdiVersion, Model

StorageClassName = Annotated[
    str,
    Pattern(
        r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*",
        "the name of a class",
        "Kubernetes finds the class by exactly this name",
        "write e.g. ceph-block",
    ),
]
# Source: Kubernetes, pkg/apis/storage/validation: a qualified name in lower case.
Provisioner = Annotated[
    str,
    Pattern(
        r"[a-z0-9]([a-z0-9.-]{0,252})(/[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?)?",
        "the name of a storage driver",
        "CDI looks up by it what the driver can do",
        "write it as `kubectl get storageclass` prints it, e.g. rook-ceph.rbd.csi.ceph.com",
    ),
]
ParameterName = Annotated[
    str,
    Pattern(
        r"[A-Za-z0-9][A-Za-z0-9._/-]{0,252}",
        "the name of a parameter",
        "the driver reads the parameter by this name",
        "write it as the class has it, e.g. migratable",
    ),
]
ParameterValue = Annotated[
    str,
    Pattern(
        r"[!-~]([ -~]{0,510}[!-~])?",
        "the value of a parameter",
        "CDI compares it with what it knows of the driver",
        'write it in quotes, e.g. "true"',
    ),
]
ModeText = Literal["RWO Filesystem", "RWO Block", "RWX Filesystem", "RWX Block", "ROX Filesystem", "ROX Block"]


class LocalStorageSpec(Model):
    """Volumes on the machines' own disks, made by local-path-provisioner: the classes local and local-scratch.

    A volume stays on its machine, so a VM with a disk there can't move.
    """

    volume: VolumeName = "local"
    """The volume of each machine that holds the disks, mounted at /var/mnt/NAME. On a machine without a volume of this
    name under volumes: it is a folder of Talos' own disk, which is kept by upgrades and erased by a reset."""
    default: bool = True
    """Make it the cluster's default class, for claims that name none."""


class StorageClassSpec(Model):
    """A class that the cluster has from elsewhere. Bedplate doesn't make it: a plan needs to know what it can do."""

    provisioner: Provisioner = Field(examples=["rook-ceph.rbd.csi.ceph.com"])
    """The class's driver."""
    parameters: ByName[ParameterName, ParameterValue] = Field(default={}, validate_default=True)
    """The class's parameters that say what its volumes can do, such as migratable of Longhorn."""
    modes: tuple[ModeText, ...] = Field(default=(), examples=["[RWO Block, RWO Filesystem]"])
    """Access and volume modes, the default first, for a driver that CDI doesn't know: Bedplate writes them
    into the class's StorageProfile."""
    binding: Literal["Immediate", "WaitForFirstConsumer"] = "Immediate"
    """The class's volumeBindingMode."""
    snapshots: StorageClassName | None = None
    """The VolumeSnapshotClass of the same driver, if it has snapshots."""
    default: bool = False
    """The class is the cluster's default, for claims that name none."""

    @model_validator(mode="after")
    def _modes_once(self) -> Self:
        twice = next((each for index, each in enumerate(self.modes) if each in self.modes[:index]), None)
        if twice is not None:
            refuse(f"lists {twice} twice in modes", "the order of modes says which is the default", "list it once")
        return self


class StorageSpec(Model):
    """Where the volumes of the cluster are."""

    local: LocalStorageSpec | None = None
    """Volumes on the machines' own disks. One machine is enough."""
    classes: ByName[StorageClassName, StorageClassSpec] = Field(default={}, validate_default=True)
    """Classes that the cluster has from elsewhere, such as from a chart, by name."""
    default: StorageClassName | None = None
    """The class of disks that name none. Unset: the one with default: true, or the only one."""
    scratch: StorageClassName | None = None
    """The class in which CDI unpacks images, on a file system. Unset: local-scratch, or the first that has one."""


class CdiSpec(Model):
    """CDI, which fills the disks of VMs from images."""

    version: CdiVersion = Field(default=CURRENT["cdi"], examples=[CURRENT["cdi"]])
    registry: ImageRepository | None = None
    """Registry of CDI's images, if it is not the one of the release."""


@dataclass(frozen=True)
class StorageClass:
    """A class of volumes, as a plan sees it."""

    name: str
    provisioner: str
    modes: tuple[Mode, ...]
    """What its volumes can be, the default first. Empty: CDI knows nothing of it, and the stack file says nothing."""
    binds_late: bool
    """A volume is made where its first pod runs, and not before (WaitForFirstConsumer)."""
    snapshots: str | None
    """Its VolumeSnapshotClass."""
    by_profile: bool = False
    """CDI doesn't know the modes by itself, so Bedplate writes the class's StorageProfile."""

    def offers(self, access: str | None = None, volume: str | None = None) -> bool:
        """Whether its volumes can have this access mode, such as ReadWriteMany, and this volume mode, such as Block."""
        return any(access in (None, each.access) and volume in (None, each.volume) for each in self.modes)

    @property
    def holds_scratch(self) -> bool:
        """Whether CDI can unpack images in it.

        A shared file system can be one pod's as well. Longhorn's plain classes have file systems, though CDI proposes
        blocks.
        """
        files = any(each.volume == "Filesystem" and each.access != "ReadOnlyMany" for each in self.modes)
        return files or (self.provisioner == LONGHORN and self.modes == capabilities(LONGHORN))


def classes(spec: StorageSpec | None) -> Mapping[str, StorageClass]:
    """Every class that the stack file names, by name: those of `local` first."""
    if spec is None:
        return MappingProxyType({})
    own = (storage.CLASS, storage.SCRATCH_CLASS) if spec.local is not None else ()
    named = {name: StorageClass(name, storage.DRIVER, storage.MODES, True, None, by_profile=True) for name in own}
    return MappingProxyType({**named, **{name: _class(name, each) for name, each in spec.classes.items()}})


def _class(name: str, spec: StorageClassSpec) -> StorageClass:
    modes = tuple(map(mode, spec.modes)) or capabilities(spec.provisioner, spec.parameters)
    late = spec.binding == "WaitForFirstConsumer"
    return StorageClass(name, spec.provisioner, modes, late, spec.snapshots, by_profile=bool(spec.modes))


def default_class(spec: StorageSpec | None) -> str | None:
    """The name of the class for disks that name none; None where the stack file leaves it open."""
    if spec is None:
        return None
    if spec.default is not None:
        return spec.default
    marked = [name for name, each in spec.classes.items() if each.default]
    marked += [storage.CLASS] if spec.local is not None and spec.local.default else []
    candidates = marked or [name for name in classes(spec) if name != storage.SCRATCH_CLASS]
    return candidates[0] if len(candidates) == 1 else None


def scratch_class(spec: StorageSpec | None) -> str | None:
    """The name of the class in which CDI unpacks images; None where no class can hold them."""
    if spec is None:
        return None
    if spec.scratch is not None:
        return spec.scratch
    known = classes(spec)
    if storage.SCRATCH_CLASS in known:
        return storage.SCRATCH_CLASS
    default = default_class(spec)
    first = [default] if default is not None else []
    return next((name for name in (*first, *known) if name in known and known[name].holds_scratch), None)
