"""A disk, by what stays the same when cables and kernels change."""

from typing import Literal, Self

from pydantic import Field, model_validator

from .faults import refuse
from .types import Model


class DiskSpec(Model):
    """The install disk by what stays the same when cables and kernels change. All that is given must match."""

    serial: str | None = None
    wwid: str | None = None
    model: str | None = None
    size: str | None = Field(default=None, pattern=r"^(<=|>=|<|>|==)?\s*\d+\s*(GB|TB|GiB|TiB)$")
    """A comparison such as ">= 200GB"."""
    type: Literal["ssd", "hdd", "nvme", "sd"] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not any((self.serial, self.wwid, self.model, self.size)):
            refuse(
                "names no disk",
                "Talos would install on the first disk that it finds, and wipe it",
                "write serial, wwid, or model and size",
            )
        return self
