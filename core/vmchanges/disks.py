"""Disks of a VM as objects of their own: what a change does to their data."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.facts.quantities import mebibytes

from .fields import differing, section
from .hypervisor import Hypervisor
from .verdict import Cause, Effect


@dataclass(frozen=True)
class Disk:
    """A DataVolume, and the claim of its name."""

    manifest: Mapping[str, Any]
    kept: bool
    """Whether nothing that the engine does deletes its data. Another source is then refused."""
    grows: bool = True
    """Whether volumes of its class can grow."""

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
        yield Cause(path, Effect.MADE)
    elif new is None:
        yield Cause(path, Effect.REMOVED if old.kept else Effect.REMOVED_WITH_DISK, "it is no longer declared")
    else:
        before, after = (section(disk.manifest, "spec") for disk in (old, new))
        size: list[str] = []
        others: list[str] = []
        for field in differing(before, after, "spec"):
            (size if field.startswith("spec.storage.resources") else others).append(f"{path}: {field}")
        yield from (_made_again(field, old, new) for field in others)
        # A disk that is made again gets the new size, whatever the old one had.
        again = others and not new.kept
        yield from (_made_again(field, old, new) if again else _resized(field, old, new, hypervisor) for field in size)


def _made_again(field: str, old: Disk, new: Disk) -> Cause:
    if new.kept:
        return Cause(field, Effect.REFUSED, "a disk that is kept is never filled again")
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
