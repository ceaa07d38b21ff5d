"""A disk, selected by properties that stay the same when cables and kernels change."""

from typing import Annotated, Literal, Self

from pydantic import model_validator

from core.facts import disk_size

from .faults import refuse
from .pattern import Pattern
from .types import Model

DiskSize = Annotated[
    str,
    Pattern(
        disk_size.PATTERN.removeprefix("^").removesuffix("$"),
        "a size to compare disks with",
        "Talos selects the disk by it",
        'write e.g. ">= 200GB", in GB, TB, GiB or TiB',
    ),
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
    """Serial number, or a glob of it."""
    wwid: DiskProperty | None = None
    """World-wide id, or a glob of it."""
    model: DiskProperty | None = None
    """Model name, or a glob of it such as MZQL2*."""
    size: DiskSize | None = None
    """A comparison such as ">= 200GB"."""
    type: Literal["ssd", "hdd", "nvme", "sd"] | None = None
    """Kind of disk. It narrows the selection and selects nothing by itself."""

    @model_validator(mode="after")
    def _selects_a_disk(self) -> Self:
        if not any((self.serial, self.wwid, self.model, self.size)):
            refuse(
                "selects no disk",
                "Talos would take the first disk that it finds, and erase it",
                "write serial, wwid, or model and size",
            )
        return self
