"""What a machine reports about itself. A machine may report anything: each text is made printable here."""

from dataclasses import dataclass, fields
from typing import Any

from core.printable import printable


@dataclass(frozen=True)
class Hardware:
    """A machine's hardware. A machine that is a container reports none."""

    uuid: str
    serial: str
    macs: tuple[str, ...]
    disks: tuple[dict[str, Any], ...]
    """Each disk's properties as Talos reports them, and its name."""
    memory_mib: int
    threads: int
    """Hardware threads of all processors together."""
    platform: str
    """How Talos runs: metal, container, ..."""
    secure_boot: bool | None = None
    """Whether the firmware verified what it booted, and is not in setup mode; None while Talos does not say."""

    def __post_init__(self) -> None:
        """Make every text printable."""
        _make_printable(self)

    @property
    def contained(self) -> bool:
        """Whether the machine is a container, so that there is no hardware to compare."""
        return self.platform == "container"


@dataclass(frozen=True)
class Running:
    """The software that a machine runs."""

    version: str
    schematic: str
    """The image factory's schematic id; empty where the image carries none."""
    booted: int
    """Time of the last boot, in seconds since 1970."""
    stage: str
    """The stage of the boot; running once the machine has started.

    Source: siderolabs/talos, pkg/machinery/resources/runtime/machine_status.go.
    """
    contained: bool
    """Whether the machine is a container, which can't be upgraded."""

    def __post_init__(self) -> None:
        """Make every text printable."""
        _make_printable(self)


def _make_printable(report: Hardware | Running) -> None:
    """Replace each text of a frozen report, also those in its disks, by one that can be shown."""
    for each in fields(report):
        object.__setattr__(report, each.name, _printable(getattr(report, each.name)))


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, tuple | list):
        return type(value)(_printable(item) for item in value)
    if isinstance(value, dict):
        return {_printable(key): _printable(item) for key, item in value.items()}
    return value
