"""What a person must do for a machine that has no BMC."""

from collections.abc import Iterator

from pulumi import CustomResource, ResourceOptions

from core.boot import matchbox as boot
from core.model import MachineSpec, Platform


class ManualBoot(CustomResource):
    """The steps for one machine: shown in a plan that permits it a boot, and in no other."""

    def __init__(self, name: str, machine: str, platform: Platform, opts: ResourceOptions) -> None:
        spec = platform.machines[machine]
        # Another machine in its place has to be booted too.
        marks = {"mac": spec.mac, "uuid": spec.uuid, "serial": spec.serial}
        props = {
            "generation": spec.install.generation,
            "hardware": {key: value for key, value in marks.items() if value},
            "steps": list(steps(platform, machine)),
        }
        super().__init__("bedplate-native:metal:ByHand", name, props, opts)


def steps(platform: Platform, name: str) -> Iterator[str]:
    """In order. They name what a person at the rack needs, and no other system has to be asked for it."""
    machine = platform.machines[name]
    yield f"find {name}: {', '.join(_marks(machine)) or 'the stack file says neither where it is nor its serial number'}"
    link = machine.mac or machine.link or "its link to the node network"
    if platform.boot is not None:
        yield f"boot it from the network once, by {link}, and leave the disk first in its boot order; or boot it from {boot.iso(platform)}"
    else:
        yield f"boot it once from {boot.iso(platform)}, on a USB stick or as virtual media, with {link} on the node network"
    if platform.schematic_text is not None:
        yield "where that answers 404: send the factory the schematic, which is the stack's output of that name"
    yield (
        f"its screen shows Talos in maintenance mode and the address {machine.address}; where it shows another, "
        f"have DHCP give {machine.address} to {link}, and boot it again"
    )
    yield "leave it there: up waits for it, and goes on by itself"


def _marks(machine: MachineSpec) -> Iterator[str]:
    where = machine.location
    yield from (
        f"{what} {value}" for what, value in (("site", where.site), ("rack", where.rack), ("unit", where.unit)) if value
    )
    yield from (
        f"{what} {value}" for what, value in (("serial number", machine.serial), ("UUID", machine.uuid)) if value
    )
    if machine.mac:
        yield f"MAC {machine.mac}"
