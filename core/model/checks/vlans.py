"""VLANs: their parents, their ids and their packet sizes."""

from collections.abc import Iterator

from core.model.faults import Fault, fault
from core.model.machine import MachineSpec
from core.model.nics import DEFAULT_MTU
from core.model.platform import Platform

from .links import known_names
from .registry import check


def _has_parent(machine: MachineSpec, parent: str) -> bool:
    """Whether a VLAN can have this parent: a link outside bonds, a bond or a bridge."""
    return parent in known_names(machine, "links", "bonds", "bridges") and parent not in machine.nics.bonded


@check("network")
def vlans_have_a_parent(p: Platform) -> Iterator[Fault]:
    """A VLAN's parent is a link, a bond or a bridge of the machine, and no link inside a bond."""
    for name, machine in p.declared.items():
        nics, known = machine.nics, known_names(machine, "links", "bonds", "bridges")
        for vlan, spec in nics.vlans.items():
            path = ("machines", name, "nics", "vlans", vlan, "parent")
            if spec.parent not in known:
                yield fault(
                    path,
                    f"{spec.parent} is not a link, bond or bridge of this machine",
                    "the VLAN's packets could not leave the machine",
                    f"write one of {', '.join(sorted(known))}",
                )
            elif spec.parent in nics.bonded:
                bond = nics.bonded[spec.parent]
                yield fault(path, f"{spec.parent} is in {bond}", "its packets belong to the bond", f"write {bond}")


@check("network")
def vlan_ids_are_unique(p: Platform) -> Iterator[Fault]:
    """No two VLANs of one parent have one id."""
    for name, machine in p.declared.items():
        owners: dict[tuple[str, int], str] = {}
        for vlan, spec in machine.nics.vlans.items():
            if not _has_parent(machine, spec.parent):
                continue
            if (spec.parent, spec.id) in owners:
                yield fault(
                    ("machines", name, "nics", "vlans", vlan, "id"),
                    f"{spec.id} is already the id of {owners[spec.parent, spec.id]} over {spec.parent}",
                    "a packet's tag must belong to one VLAN",
                    "use different ids, or remove one of the two",
                )
            owners.setdefault((spec.parent, spec.id), vlan)


@check("network")
def vlan_packets_fit_the_parent(p: Platform) -> Iterator[Fault]:
    """A VLAN's mtu is at most its parent's."""
    for name, machine in p.declared.items():
        nics = machine.nics
        parents = {**nics.links, **nics.bonds, **nics.bridges}
        for vlan, spec in nics.vlans.items():
            largest = getattr(parents.get(spec.parent), "mtu", None) or DEFAULT_MTU
            if _has_parent(machine, spec.parent) and (spec.mtu or DEFAULT_MTU) > largest:
                yield fault(
                    ("machines", name, "nics", "vlans", vlan, "mtu"),
                    f"{spec.mtu or DEFAULT_MTU} is more than the mtu of {spec.parent}, {largest}",
                    "larger packets would be dropped",
                    f"write at most {largest}, or raise the mtu of {spec.parent}",
                )
