"""What a person must do to boot a machine that has no BMC."""

from collections.abc import Iterator

from core.model import MachineSpec, Platform

from . import matchbox


def steps(platform: Platform, name: str) -> Iterator[str]:
    """The steps in order, complete for a person at the rack who can look nothing up elsewhere."""
    machine = platform.machines[name]
    marks = ", ".join(_marks(machine)) or "the stack file says neither where it is nor its serial number"
    yield f"find {name}: {marks}"
    link = machine.mac or machine.link or "its link to the node network"
    if platform.boot is not None:
        yield (
            f"boot it from the network once, by {link}, and leave the disk first in its boot order; "
            f"or boot it from {matchbox.iso(platform)}"
        )
    else:
        yield (
            f"boot it once from {matchbox.iso(platform)}, on a USB stick or as virtual media, "
            f"with {link} on the node network"
        )
    if platform.schematic_text is not None:
        yield "where that answers 404: send the factory the schematic, which is the stack's output of that name"
    yield (
        f"its screen shows Talos in maintenance mode and the address {machine.address}; where it shows another, "
        f"have DHCP give {machine.address} to {link}, and boot it again"
    )
    yield "leave it there: up waits for it, and goes on by itself"


def _marks(machine: MachineSpec) -> Iterator[str]:
    location = machine.location
    yield from (
        f"{what} {value}"
        for what, value in (("site", location.site), ("rack", location.rack), ("unit", location.unit))
        if value
    )
    yield from (
        f"{what} {value}" for what, value in (("serial number", machine.serial), ("UUID", machine.uuid)) if value
    )
    if machine.mac:
        yield f"MAC {machine.mac}"
