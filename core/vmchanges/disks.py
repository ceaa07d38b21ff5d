"""Disks of a VM as objects of their own: what a change does to their data."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.facts.quantities import mebibytes

from .fields import differing, section
from .hypervisor import Hypervisor
from .verdict import Cause, Effect

_REACHED = ("secretRef", "certConfigMap")
"""Keys of a source that say how CDI reaches it, and not what the disk is filled with."""

_PROTECTED = (
    "the disk is protected, so the plan fails; to delete its data, write keep: false for it, run up, and then remove "
    "it; to keep its data and forget it, run ./bedplate pulumi state unprotect URN, with the URN that the plan names"
)
_KEPT_SO_FAR = "the disk is kept so far; write keep: false alone, run up, and then change it"


@dataclass(frozen=True)
class Disk:
    """A DataVolume, and the claim of its name."""

    manifest: Mapping[str, Any]
    kept: bool
    """Whether nothing that the engine does deletes its data. Another source is then refused."""
    grows: bool = True
    """Whether volumes of its class can grow."""
    protected: bool = False
    """Whether the engine refuses to delete it. A disk that is kept is also protected, until someone ends that."""
    unready: str = ""
    """Why it could not be filled if it were new, with what to do about it; empty if it can."""

    @property
    def key(self) -> tuple[str, str]:
        """Its namespace and name. Another of these is another disk."""
        about = self.manifest.get("metadata", {})
        return str(about.get("namespace")), str(about.get("name"))


def changes(old: Sequence[Disk], new: Sequence[Disk], hypervisor: Hypervisor) -> Iterator[Cause]:
    """The effect on each disk, with fields such as `disk web-data: spec.source`."""
    before, after = ({disk.key: disk for disk in disks} for disks in (old, new))
    for key in sorted({*before, *after}):
        yield from _change(f"disk {key[1]}", before.get(key), after.get(key), hypervisor)


def _change(path: str, old: Disk | None, new: Disk | None, hypervisor: Hypervisor) -> Iterator[Cause]:
    if old is None:
        unready = new.unready if new else ""
        yield Cause(path, Effect.REFUSED, unready) if unready else Cause(path, Effect.MADE)
    elif new is None:
        yield _removed(path, old)
    else:
        before, after = (section(disk.manifest, "spec") for disk in (old, new))
        size: list[str] = []
        others: list[str] = []
        for field in differing(before, after, "spec"):
            (size if field.startswith("spec.storage.resources") else others).append(f"{path}: {field}")
        if all(field.endswith(_REACHED) for field in others):
            yield from (() if new.kept else (_reached(field) for field in others))
            others = []
        yield from (_made_again(field, old, new) for field in others)
        # A disk that is made again gets the new size, whatever the old one had.
        again = others and not new.kept
        yield from (_made_again(field, old, new) if again else _resized(field, old, new, hypervisor) for field in size)


def _removed(path: str, old: Disk) -> Cause:
    if old.protected:
        return Cause(path, Effect.REFUSED, _PROTECTED)
    return Cause(path, Effect.REMOVED if old.kept else Effect.REMOVED_WITH_DISK, "it is no longer declared")


def _reached(field: str) -> Cause:
    return Cause(field, Effect.REFUSED, "the disk would be deleted and filled with the same")


def _made_again(field: str, old: Disk, new: Disk) -> Cause:
    if new.kept:
        return Cause(field, Effect.REFUSED, "a disk that is kept is never filled again")
    if old.protected:
        return Cause(field, Effect.REFUSED, _KEPT_SO_FAR)
    effect = Effect.REPLACED if old.kept else Effect.REPLACED_WITH_DISK
    return Cause(field, effect, "another source, class or mode is another disk")


def _resized(field: str, old: Disk, new: Disk, hypervisor: Hypervisor) -> Cause:
    was, wanted = (
        section(disk.manifest, "spec", "storage", "resources", "requests").get("storage") for disk in (old, new)
    )
    if was and wanted and mebibytes(wanted) < mebibytes(was):
        return Cause(field, Effect.REFUSED, "a disk can't shrink")
    if not new.grows:
        return Cause(field, Effect.REFUSED, "volumes of its class can't grow")
    if not hypervisor.grows_disks:
        return Cause(field, Effect.AT_START, "the volume grows, and the guest sees its size at a start")
    return Cause(field, Effect.LIVE)
