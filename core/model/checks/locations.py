"""Where machines stand: the zone that a location makes."""

from collections.abc import Iterator

from core.model.faults import Fault, fault
from core.model.platform import Platform

from .registry import check


@check()
def zones_have_a_name(p: Platform) -> Iterator[Fault]:
    """location.zone names a key that is set, and its labels are not set by hand as well."""
    for name, machine in p.machines.items():
        path, zone = ("machines", name, "location"), machine.location.zone
        if zone and getattr(machine.location, zone) is None:
            yield fault(
                (*path, zone),
                f"is missing, but location.zone is {zone}",
                f"the zone is named after the {zone}",
                f"write {zone}, or remove zone",
            )
        for label in sorted(set(machine.location.labels) & set(machine.labels)):
            yield fault(
                ("machines", name, "labels", label),
                "is also set by location.zone",
                "a node has one value per label, so one of the two would be lost",
                "remove the label, or location.zone",
            )
