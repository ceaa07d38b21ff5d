"""Storage: classes that exist and can do what is wanted of them."""

import re
from collections.abc import Iterator
from difflib import get_close_matches

from core.facts import storage
from core.facts.storage_capabilities import (
    CAPABILITIES,
    LONGHORN,
    UNSUPPORTED,
    Mode,
    capabilities,
    depends_on_parameters,
    mode,
)
from core.facts.versions import CURRENT
from core.model.claims import Claim, claims
from core.model.faults import Fault, fault
from core.model.platform import Platform

from .registry import check

# Source: Kubernetes documentation, "Storage Classes": volumes that were made by hand.
_BY_HAND = "kubernetes.io/no-provisioner"
_OWN = (storage.CLASS, storage.SCRATCH_CLASS)
# Source: rook/rook, the namespace of its examples; CDI compares the whole name.
_ROOK = re.compile(r"(?P<namespace>[a-z0-9-]+)\.(?P<kind>rbd|cephfs)\.csi\.ceph\.com")


@check("storage")
def own_classes_have_their_names(p: Platform) -> Iterator[Fault]:
    """No class from elsewhere has the name of one that Bedplate makes."""
    spec = p.storage
    if spec is None or spec.local is None:
        return
    for name in (each for each in _OWN if each in spec.classes):
        yield fault(
            ("storage", "classes", name),
            "is the name of a class that storage.local makes",
            "a class is one object, and its driver can't be changed",
            f"remove it, or write the class's own name, e.g. {name}-disks",
        )


@check("storage")
def one_class_is_the_default(p: Platform) -> Iterator[Fault]:
    """The cluster has one default class at most."""
    spec = p.storage
    if spec is None:
        return
    marked: list[tuple[str, ...]] = [("storage", "local")] if spec.local is not None and spec.local.default else []
    marked += [("storage", "classes", name) for name, each in spec.classes.items() if each.default]
    for path in marked[1:]:
        first = ".".join((*marked[0], "default"))
        yield fault(
            (*path, "default"),
            f"is true, and so is {first}",
            "of two default classes Kubernetes takes the newer one, and CDI reports both as a fault",
            "write default: false for one of them",
        )


@check("storage")
def named_classes_exist(p: Platform) -> Iterator[Fault]:
    """The default class and the class of scratch space are ones that the stack file names."""
    if p.storage is None:
        return
    for key, name in (("default", p.storage.default), ("scratch", p.storage.scratch)):
        if name is not None and name not in p.storage_classes:
            yield unknown_class(p, ("storage", key), name)
    if p.storage.local is not None and p.storage.default == storage.SCRATCH_CLASS:
        yield fault(
            ("storage", "default"),
            f"{storage.SCRATCH_CLASS} is for CDI's scratch space",
            "its volumes are deleted with their claims, so a disk in it could be lost by one mistake",
            f"write {storage.CLASS}, or another class",
        )


def unknown_class(p: Platform, path: tuple[str, ...], name: str) -> Fault:
    """The fault of a class that the stack file does not name, at a path."""
    known = list(p.storage_classes)
    near = get_close_matches(name, known, n=1)
    shown = f"did you mean {near[0]}?" if near else f"known classes: {', '.join(known)}"
    instead = shown if known else "write storage: {local: {}}, or name the class under storage.classes"
    return fault(path, f"there is no class {name!r}", "a plan must know what a disk's class can do", instead)


@check("storage")
def modes_are_known(p: Platform) -> Iterator[Fault]:
    """What volumes of each class can be is known to CDI, or written here."""
    if p.storage is None:
        return
    for name, each in p.storage.classes.items():
        path = ("storage", "classes", name)
        if each.provisioner in UNSUPPORTED - {_BY_HAND}:
            yield fault(
                (*path, "provisioner"),
                f"{each.provisioner} makes no volumes that CDI can fill",
                "it stores objects, or makes snapshots alone",
                "name a class whose driver makes block or file volumes",
            )
        elif not each.modes and not capabilities(each.provisioner, each.parameters):
            yield _unknown_modes(path, each.provisioner)


def _unknown_modes(path: tuple[str, ...], provisioner: str) -> Fault:
    """The fault of a class of which CDI knows nothing: by its driver's namespace, its parameters, or altogether."""
    rook = _ROOK.fullmatch(provisioner)
    if rook is not None:
        known = CAPABILITIES[f"rook-ceph.{rook['kind']}.csi.ceph.com"]
        return fault(
            (*path, "modes"),
            f"is missing, and CDI doesn't know Rook in the namespace {rook['namespace']}",
            "CDI knows a driver by its whole name, which begins with the namespace of Rook's operator",
            f"write modes: [{', '.join(map(str, known))}]",
        )
    if provisioner == storage.DRIVER:
        return fault(
            (*path, "modes"),
            "is missing, and CDI doesn't know local-path",
            "a disk without an access mode would wait for ever",
            "write modes: [RWO Filesystem]",
        )
    what = "with these parameters" if depends_on_parameters(provisioner) else "at all"
    near = get_close_matches(provisioner, [key for key in CAPABILITIES if key.count("/") == 0], n=1, cutoff=0.9)
    instead = "write what its documentation says, e.g. modes: [RWO Block, RWO Filesystem]"
    return fault(
        (*path, "modes"),
        f"is missing, and CDI doesn't know {provisioner} {what}",
        "a disk without an access mode would wait for ever",
        f"did you mean {near[0]}? Otherwise {instead}" if near else instead,
    )


@check("storage")
def written_modes_are_possible(p: Platform) -> Iterator[Fault]:
    """No mode is written that the driver of the class can't have."""
    if p.storage is None:
        return
    for name, each in p.storage.classes.items():
        known = capabilities(each.provisioner, each.parameters)
        for index, text in enumerate(each.modes):
            if known and _impossible(each.provisioner, mode(text), known):
                yield fault(
                    ("storage", "classes", name, "modes", str(index)),
                    f"{text} is not a mode of this class",
                    f"{each.provisioner} makes {_listed(known)}" + _hint(each.provisioner, text),
                    "remove it, or remove modes: CDI knows them",
                )


def _impossible(provisioner: str, wanted: Mode, known: tuple[Mode, ...]) -> bool:
    """Whether a driver can't have a mode. CDI's table has the modes that CDI proposes, and drivers may have more."""
    if wanted in known:
        return False
    # Longhorn shares files of any class by a server of its own.
    files_of_longhorn = provisioner == LONGHORN and wanted.volume == "Filesystem"
    if wanted.access != "ReadWriteOnce":
        return not files_of_longhorn
    return (
        wanted.volume == "Block"
        and not depends_on_parameters(provisioner)
        and all(each.volume != "Block" for each in known)
    )


def _hint(provisioner: str, text: str) -> str:
    if provisioner == LONGHORN and text == "RWX Block":
        return ' unless the class has the parameter migratable: "true"'
    return ""


def _listed(modes: tuple[Mode, ...]) -> str:
    return ", ".join(map(str, modes))


@check("storage", "cdi", "vms")
def images_have_scratch_space(p: Platform) -> Iterator[Fault]:
    """Where CDI fills disks, a class can hold its scratch space."""
    if p.storage is None or not (p.declared_cdi or p.golden or any(map(_is_unpacked, _new_disks(p)))):
        return
    scratch = p.scratch_class
    if scratch is None and p.storage.scratch is None and p.storage_classes:
        yield fault(
            ("storage", "scratch"),
            "is missing, and no class is known to have a file system",
            "CDI unpacks images on a file system before it writes them to a block volume",
            "write local: {}, which has a class for that, or add RWO Filesystem to the modes of a class that has it",
        )
    elif p.storage.scratch is not None and scratch is not None and scratch.modes and not scratch.holds_scratch:
        yield fault(
            ("storage", "scratch"),
            f"{scratch.name} has no file system, but {_listed(scratch.modes)}",
            "CDI unpacks images on a file system before it writes them to a block volume",
            "name another class, e.g. local-scratch, or add RWO Filesystem to modes if the class has it",
        )


def _new_disks(p: Platform) -> Iterator[Claim]:
    yield from (each for name in p.vms for each in claims(p, name) if each.is_made)


def _is_unpacked(disk: Claim) -> bool:
    """Whether CDI may unpack what a disk is filled from: copies and empty disks need no such space."""
    return disk.spec.source.kind not in ("blank", "claim", "snapshot", "image")


@check("storage", "cdi", "vms")
def cdi_has_a_class(p: Platform) -> Iterator[Fault]:
    """Where CDI is installed on purpose, there is a class in which it makes disks."""
    if p.declared_cdi is not None and not p.storage_classes:
        yield fault(
            ("storage",),
            "is missing, but there is a section cdi",
            "CDI fills volumes of a class, and the stack file names none",
            "write storage: {local: {}}, or name the cluster's classes under storage.classes",
        )


@check("storage", "cdi", "kubevirt")
def cdi_is_for_vms(p: Platform) -> Iterator[Fault]:
    """CDI is installed where VMs run."""
    if p.declared_cdi is not None and p.kubevirt is None:
        yield fault(
            ("cdi",),
            "is set, but there is no section kubevirt",
            "CDI fills disks of VMs, and KubeVirt runs the VMs",
            f"write kubevirt: {{version: {CURRENT['kubevirt']}}}, or remove cdi",
        )


@check("storage", "machines", "classes", "talos")
def local_volume_has_a_file_system(p: Platform) -> Iterator[Fault]:
    """The machines' volume for local disks is mounted, and is not a bare partition."""
    local = p.storage.local if p.storage is not None else None
    if local is None:
        return
    for name in p.schedulable:
        volume = p.machines[name].volumes.get(local.volume)
        if volume is not None and volume.filesystem == "none":
            yield fault(
                ("machines", name, "volumes", local.volume, "filesystem"),
                "is none, but storage.local keeps disks on this volume",
                "disks are files, and a bare partition has no file system for them",
                "write xfs or ext4, or give storage.local another volume",
            )
