"""Talos' own volumes, where a patch limits their size."""

import re
from collections.abc import Iterator

from core.machineconfig.sources import Source
from core.model.faults import Fault, fault

from .section import at

# Source: siderolabs/talos, pkg/machinery/imager/quirks, EphemeralMinSize.
_MINIMUM_BYTES = 2 * 2**30
# Source: dustin/go-humanize, ParseBytes, as Talos reads sizes; a percentage is not judged.
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kKMGT]?)(i?)[Bb]?\s*")
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}
_MAXIMUM = ("provisioning", "maxSize")


def too_small(source: Source) -> Iterator[Fault]:
    """A largest size of EPHEMERAL below the smallest with which Talos makes it."""
    document = source.document
    if (document.get("kind"), document.get("name")) != ("VolumeConfig", "EPHEMERAL"):
        return
    size = size_bytes(at(document, *_MAXIMUM))
    if size is not None and size < _MINIMUM_BYTES:
        yield fault(
            (*source.place, *_MAXIMUM),
            "is less than 2 GiB",
            "Talos makes no smaller EPHEMERAL, and images, logs, pods and etcd are on it",
            "write 2GiB at the very least, or remove it: then EPHEMERAL takes the rest of the disk",
        )


def size_bytes(value: object) -> float | None:
    """The bytes of a size as Talos reads it; None where it is none, such as a percentage."""
    match = _SIZE.fullmatch(str(value)) if isinstance(value, str | int) else None
    if match is None:
        return None
    unit = 1024.0 if match[3] else 1000.0
    return float(match[1]) * float(unit ** _POWERS[match[2].upper()])
