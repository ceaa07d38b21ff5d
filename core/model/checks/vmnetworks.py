"""VM networks on machines: their links, VLANs, bridges, packets and IP networks."""

from collections.abc import Callable, Iterator

from core.facts.networks import ends
from core.facts.versions import CURRENT
from core.model.faults import Fault, fault
from core.model.machine import MachineSpec
from core.model.nics import DEFAULT_MTU
from core.model.platform import Platform
from core.model.ranges import AddressRange
from core.model.vmnetworks import VmNetworkSpec, bridge_of, vlan_of

from .links import NOUNS, known_names
from .registry import check

_SECTIONS = ("vm_networks", "machines", "classes")
_Why = Callable[[MachineSpec, VmNetworkSpec], tuple[str, str, str] | None]


@check("vm_networks", "kubevirt")
def vm_networks_have_a_hypervisor(p: Platform) -> Iterator[Fault]:
    """Networks of VMs are on a platform that runs VMs."""
    if p.vm_networks and p.kubevirt is None:
        yield fault(
            ("kubevirt",),
            "is missing, but there are vm_networks",
            "KubeVirt runs the VMs that are connected to them",
            f"write kubevirt: {{version: {CURRENT['kubevirt']}}}, or remove vm_networks",
        )


@check(*_SECTIONS)
def vm_networks_are_on_machines(p: Platform) -> Iterator[Fault]:
    """The classes of a VM network exist, and one of their machines runs VMs."""
    for name, spec in p.vm_networks.items():
        unknown = [each for each in spec.classes if each not in p.classes]
        for each in unknown:
            known = ", ".join(p.classes) or "none"
            yield fault(
                ("vm_networks", name, "classes"),
                f"{each!a} is not one of classes:" if len(each) <= 63 else "this text is not one of classes:",
                "machines are chosen by their class",
                f"write one of: {known}" if p.classes else "define it under classes:, or remove the key",
            )
        if not unknown and not p.machines_by_vm_network[name]:
            yield fault(
                ("vm_networks", name, "classes"),
                "have no machine that runs VMs",
                "VMs in this network could run nowhere",
                "add the class of a worker",
            )


def _each(p: Platform, why_not: _Why, key: str) -> Iterator[Fault]:
    """One fault for each network and reason, with the first of its machines and the number of the others."""
    for name, spec in p.vm_networks.items():
        found: dict[tuple[str, str, str], list[str]] = {}
        for machine in sorted(p.machines_by_vm_network[name]):
            if reason := why_not(p.machines[machine], spec):
                found.setdefault(reason, []).append(machine)
        for (what, why, instead), machines in found.items():
            others = f" and {len(machines) - 1} more" if len(machines) > 1 else ""
            yield fault(("vm_networks", name, key), f"{what} on {machines[0]}{others}", why, instead)


def _link_fault(machine: MachineSpec, spec: VmNetworkSpec) -> tuple[str, str, str] | None:
    """Why a network can't be on a machine's link: what, why, and what to write instead. None where it can."""
    nics, link = machine.nics, spec.link
    if machine.boot_link is None:
        return (
            "needs a link, and neither mac nor link is set",
            "once one link is configured, Talos runs DHCP on no other, so the boot link must be known",
            "write the machine's mac, or the name of its link",
        )
    if link not in known_names(machine, "links", "bonds", "vlans", "bridges"):
        return (
            f"{link} is not a link, bond or bridge",
            "VMs there would be connected to nothing",
            f"define {link} under the machine's nics, or write classes: with those that have it",
        )
    if link in nics.bonded:
        return f"{link} is in {nics.bonded[link]}", "its packets belong to the bond", f"write {nics.bonded[link]}"
    if link in nics.vlans:
        return (
            f"{link} is a VLAN",
            "its packets have a tag already",
            f"write link: {nics.vlans[link].parent} and vlan, or link: with a bridge that contains {link}",
        )
    if link in nics.bridged:
        return f"{link} is in {nics.bridged[link]}", "its packets belong to the bridge", f"write {nics.bridged[link]}"
    if spec.vlan is None and link not in nics.bridges:
        return (
            f"{link} is no bridge, and vlan is not set,",
            "VMs are connected to bridges",
            f"write vlan: ID, or define a bridge that contains {link} under the machine's nics and write its name",
        )
    if spec.vlan is not None and link in nics.bridges and nics.bridges[link].vlan_filtering:
        return (
            f"{link} has vlan_filtering",
            "Talos lets no tagged packets through the links of such a bridge",
            f"remove vlan_filtering from {link}",
        )
    return None


@check(*_SECTIONS)
def vm_networks_have_their_links(p: Platform) -> Iterator[Fault]:
    """Each machine of a VM network has its link, and it can carry the network."""
    yield from _each(p, _link_fault, "link")


@check(*_SECTIONS)
def packets_of_vm_networks_fit_their_links(p: Platform) -> Iterator[Fault]:
    """A VM network's mtu is at most that of its link on each machine."""

    def too_large(machine: MachineSpec, spec: VmNetworkSpec) -> tuple[str, str, str] | None:
        found = next((each for _, name, each in machine.nics.every() if name == spec.link), None)
        largest = (found.mtu if found else None) or DEFAULT_MTU
        if spec.size <= largest or _link_fault(machine, spec):
            return None
        what = f"{spec.size} is more than the mtu of {spec.link}, {largest},"
        return what, "larger packets would be dropped", f"write at most {largest}, or raise the mtu of {spec.link}"

    yield from _each(p, too_large, "mtu")


@check(*_SECTIONS)
def vm_networks_are_different(p: Platform) -> Iterator[Fault]:
    """No two VM networks are one, and no VLAN of theirs is one of a machine's nics."""
    owners: dict[tuple[str, int | None], list[str]] = {}
    for name, spec in p.vm_networks.items():
        here = p.machines_by_vm_network[name]
        same = owners.setdefault((spec.link, spec.vlan), [])
        for other in (each for each in same if here & p.machines_by_vm_network[each]):
            what = f"{spec.vlan} is already the id of {other} over {spec.link}" if spec.vlan else f"is that of {other}"
            yield fault(
                ("vm_networks", name, "vlan" if spec.vlan else "link"),
                what,
                "both names would be one network",
                "use different ids, or remove one of the two",
            )
        same.append(name)

    def taken(machine: MachineSpec, spec: VmNetworkSpec) -> tuple[str, str, str] | None:
        for vlan, each in machine.nics.vlans.items():
            if (each.parent, each.id) == (spec.link, spec.vlan):
                return (
                    f"{spec.vlan} is already the id of nics.vlans.{vlan}",
                    "a packet's tag must belong to one VLAN",
                    f"write link: BRIDGE without vlan, with a bridge of the machine's nics that contains {vlan}",
                )
        return None

    yield from _each(p, taken, "vlan")


@check(*_SECTIONS)
def vm_networks_have_names_of_their_own(p: Platform) -> Iterator[Fault]:
    """The links that a VM network makes have no name that a machine's link has."""
    for name, spec in p.vm_networks.items():
        made = {bridge_of(p, name), vlan_of(name)} if spec.vlan is not None else set()
        for machine in sorted(p.machines_by_vm_network[name]):
            found = [(k, n) for k, n, _ in p.machines[machine].nics.every() if n in made]
            found += [("links", n) for n in made & {p.machines[machine].boot_link}]
            if found:
                kind, link = found[0]
                yield fault(
                    ("vm_networks", name),
                    f"makes a link {link}, and {machine} has a {NOUNS[kind]} of that name",
                    "the links of a machine must have different names",
                    "rename one of the two",
                )
                break


@check("vm_networks", "network", "cilium")
def vm_networks_have_room_of_their_own(p: Platform) -> Iterator[Fault]:
    """A VM network's subnet is not that of pods or services, and its gateway and DHCP are in it."""
    pools = p.cilium.load_balancer.pool if p.cilium.load_balancer else ()
    for name, spec in p.vm_networks.items():
        path, subnet = ("vm_networks", name), spec.subnet
        if subnet is None:
            for key in ("gateway", "dhcp"):
                if getattr(spec, key):
                    what = f"is missing, and {key} is set"
                    yield fault((*path, "subnet"), what, f"{key} is in the subnet", f"write subnet, or remove {key}")
            continue
        for key in ("pods", "services"):
            for other in getattr(p.network, key):
                if other.version == subnet.version and other.overlaps(subnet):
                    yield fault(
                        (*path, "subnet"),
                        f"{subnet} overlaps network.{key} {other}",
                        "a guest in both networks would send packets to the wrong one",
                        "use another network",
                    )
        if spec.gateway is not None and (spec.gateway not in subnet or spec.gateway in ends(subnet)):
            yield fault(
                (*path, "gateway"),
                f"{spec.gateway} is not a host of {subnet}",
                "guests reach a router in their own network alone",
                f"write a host of {subnet}",
            )
        yield from _ranges(p, name, spec, pools)


def _ranges(p: Platform, name: str, spec: VmNetworkSpec, pools: tuple[AddressRange, ...]) -> Iterator[Fault]:
    """Faults of the addresses that DHCP assigns."""
    assert spec.subnet is not None
    path = ("vm_networks", name, "dhcp")
    for each in spec.dhcp:
        if each.first not in spec.subnet or each.last not in spec.subnet:
            why = "a server assigns addresses of its own network"
            yield fault(path, f"{each} is not in {spec.subnet}", why, f"write a range of {spec.subnet}")
        for pool in pools:
            if each.overlaps(pool):
                yield fault(
                    path,
                    f"{each} overlaps {pool} of cilium.load_balancer.pool",
                    "a guest and a Service would get one address",
                    "use ranges that do not overlap",
                )
