"""Disks of a VM as objects of their own: what a change does to their data."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.facts.quantities import mebibytes

from .fields import differing, section
from .verdict import Cause, Effect


@dataclass(frozen=True)
class Disk:
    """A DataVolume or PersistentVolumeClaim."""

    manifest: Mapping[str, Any]
    kept: bool
    """Whether its data stays in the cluster when the engine deletes or replaces it (retainOnDelete)."""

    @property
    def key(self) -> tuple[str, str, str]:
        """Its kind, namespace and name. Another of these is another disk."""
        about = self.manifest.get("metadata", {})
        return str(self.manifest.get("kind")), str(about.get("namespace")), str(about.get("name"))


def changes(old: Sequence[Disk], new: Sequence[Disk]) -> Iterator[Cause]:
    """The effect on each disk: with the path DISK NAME and the field."""
    before, after = ({disk.key: disk for disk in disks} for disks in (old, new))
    for key in sorted({*before, *after}):
        yield from _change(key[2], before.get(key), after.get(key))


def _change(name: str, old: Disk | None, new: Disk | None) -> Iterator[Cause]:
    path = f"disk {name}"
    if old is None:
        yield Cause(path, Effect.MADE)
    elif new is None:
        yield Cause(path, Effect.REMOVED if old.kept else Effect.REMOVED_WITH_DISK, "it is no longer declared")
    else:
        before, after = (disk.manifest.get("spec") or {} for disk in (old, new))
        fields = [*differing(before, after, f"{path}: spec")]
        if fields and _grows(old.manifest, before, after, fields):
            yield Cause(fields[0], Effect.LIVE)
        else:
            effect = Effect.REPLACED if old.kept else Effect.REPLACED_WITH_DISK
            yield from (Cause(field, effect, "a disk's spec can't be changed, so it is made again") for field in fields)


def _grows(manifest: Mapping[str, Any], before: Any, after: Any, fields: list[str]) -> bool:
    """Whether a claim gets larger, and nothing else of it changes. CDI refuses that of a DataVolume."""
    if manifest.get("kind") != "PersistentVolumeClaim" or not all(f.endswith(".requests.storage") for f in fields):
        return False
    was, wanted = (section(spec, "resources", "requests").get("storage") for spec in (before, after))
    return bool(was and wanted) and mebibytes(wanted) > mebibytes(was)
