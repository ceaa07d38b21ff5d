"""A disk, selected by properties that stay the same when cables and kernels change."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, model_validator

from core.facts import disk_size, globs

from .faults import refuse
from .pattern import Pattern
from .types import Model


class _Size(Pattern):
    """A pattern of sizes, whose fault says what Talos would read another way."""

    def _detail(self, value: str) -> str | None:
        if re.search("[0-9],[0-9]", value):
            return "it has a comma, which Talos skips, so 1,92TB would be 192TB"
        return super()._detail(value)


def _possible(value: str) -> str:
    if disk_size.parse(value).matches_no_disk:
        refuse(f"{value!r} matches no disk", "no disk has such a size", 'write e.g. ">= 200GB" or "<= 1.92TB"')
    return value


DiskSize = Annotated[
    str,
    _Size(
        disk_size.PATTERN,
        "a size to compare disks with",
        "Talos selects the disk by it",
        'write e.g. ">= 200GB" or "<= 1.92TB", in GB, TB, GiB or TiB',
    ),
    AfterValidator(_possible),
]


# Talos gets it within a string of an expression.
DiskProperty = Annotated[
    str,
    Pattern(
        r"[!#-\[\]-~]([ !#-\[\]-~]{0,126}[!#-\[\]-~])?",
        "a property of a disk",
        "Talos compares it with what the disk reports",
        "write it as `talosctl get disks` prints it, without quotes and backslashes, e.g. S4EWNX0R",
    ),
]


class DiskSpec(Model):
    """Selects a disk by properties that stay the same when cables and kernels change. All given ones must match."""

    serial: DiskProperty | None = None
    """Serial number, or a glob of it: * stands for any characters."""
    wwid: DiskProperty | None = None
    """World-wide id, or a glob of it."""
    model: DiskProperty | None = None
    """Model name, or a glob of it such as MZQL2*."""
    size: DiskSize | None = None
    """A comparison such as ">= 200GB" or "<= 1.92TB"."""
    type: Literal["ssd", "hdd", "nvme", "sd"] | None = None
    """Kind of disk. It narrows the selection and selects nothing by itself."""

    @model_validator(mode="after")
    def _selects_a_disk(self) -> Self:
        named = any(globs.selects(text) for text in (self.serial, self.wwid, self.model) if text)
        sized = self.size is not None and not disk_size.parse(self.size).matches_every_disk
        if not named and not sized:
            given = [key for key in ("serial", "wwid", "model", "size") if getattr(self, key) is not None]
            refuse(
                f"selects no disk: every disk matches its {' and '.join(given)}" if given else "selects no disk",
                "Talos would take the first disk that it finds, and erase it",
                "write serial, wwid, or model and size",
            )
        return self

    @property
    def single(self) -> frozenset[tuple[str, str]]:
        """What names one single disk: property and value, in the one form that all spellings of the value share."""
        given = {"serial": self.serial, "wwid": self.wwid}
        return frozenset((key, _plain(key, text)) for key, text in given.items() if text and globs.is_exact(text))


def _plain(key: str, text: str) -> str:
    """A serial number or a world-wide id without what differs from one listing of disks to the next."""
    plain = text.strip().lower()
    # Source: Linux, Documentation/ABI/stable/sysfs-block, wwid: eui., naa. and nvme. before the number; udev writes 0x.
    return re.sub("^(eui[.]|naa[.]|0x)+", "", plain) if key == "wwid" else plain
