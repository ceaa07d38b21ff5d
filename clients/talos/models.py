"""What a machine reports about itself."""

from dataclasses import dataclass
from typing import Any


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
