"""What a person has to do for a machine that has no BMC."""

from collections.abc import Iterator

from core.model import MachineSpec, Platform
from core.model.schematic import SchematicSpec

from . import matchbox


def steps(platform: Platform, name: str) -> Iterator[str]:
    """The steps in order. They contain everything that a person at the rack needs to know."""
    machine = platform.machines[name]
    marks = ", ".join(_marks(machine)) or "the stack file says neither where it is nor its serial number"
    yield f"find {name}: {marks}"
    link, iso = machine.mac or machine.link or "its link to the node network", matchbox.iso(platform, name)
    schematic = platform.schematic_of(name)
    if schematic.secureboot:
        yield _keys(schematic)
    if platform.boot is not None and not (schematic.secureboot and schematic.secureboot_keys is None):
        yield (
            f"boot it once from the network, over {link}, and keep the disk first in its boot order; "
            f"or boot it once from {iso}"
        )
    else:
        yield f"boot it once from {iso}, on a USB stick or as virtual media, with {link} on the node network"
    id_ = platform.schematic_id_of(name)
    if platform.schematics[id_] is not None:
        which = "the schematic" if len(platform.schematics) == 1 else f"schematic {id_}"
        yield (
            f"if that URL answers 404, send the factory {which}: "
            "./bedplate boot STACK FOLDER writes it to a file and prints the command"
        )
    yield (
        f"its screen must show Talos in maintenance mode and the address {machine.address}; if it shows another "
        f"address, reserve {machine.address} for {link} in DHCP, and boot it again"
    )
    yield "leave it in maintenance mode: up waits for it, and continues when it answers"


def _keys(schematic: SchematicSpec) -> str:
    """The step that has SecureBoot on before Talos runs, because a machine gets no config while it is off."""
    if schematic.secureboot_keys == "firmware":
        return "turn SecureBoot on in its firmware, which must have its images' keys (docs/runbooks/secureboot.md)"
    if schematic.enroll_keys == "off":
        return "enroll the keys of its images in its firmware and turn SecureBoot on (docs/runbooks/secureboot.md)"
    setup = "put its firmware into SecureBoot's setup mode, by deleting the platform key in its menu"
    if schematic.enroll_keys == "force":
        return f"{setup}: the ISO enrolls the keys by itself and restarts the machine"
    return f"{setup}, and choose Enroll Secure Boot keys: auto in the ISO's boot menu"


def _marks(machine: MachineSpec) -> Iterator[str]:
    location = machine.location
    marks = {
        "site": location.site,
        "rack": location.rack,
        "unit": location.unit,
        "serial number": machine.serial,
        "UUID": machine.uuid,
        "MAC": machine.mac,
    }
    yield from (f"{mark} {value}" for mark, value in marks.items() if value)
