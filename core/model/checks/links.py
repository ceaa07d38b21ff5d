"""Links of a machine: their names, MACs and addresses."""

from collections.abc import Iterator

from core.facts.networks import IpAddress, IpNetwork
from core.model.faults import Fault, fault
from core.model.machine import MachineSpec
from core.model.nics import BOOT_LINK, JoinedSpec
from core.model.platform import Platform

from .networks import Overlaps
from .registry import check

NOUNS = {"links": "link", "bonds": "bond", "vlans": "VLAN", "bridges": "bridge"}
"""Kind of links to its noun, for messages."""


def known_names(machine: MachineSpec, *kinds: str) -> set[str]:
    """Names of the boot link and of the links of these kinds."""
    return {machine.boot_link or BOOT_LINK, *(name for kind in kinds for name in getattr(machine.nics, kind))}


@check("network")
def link_names_are_unique(p: Platform) -> Iterator[Fault]:
    """A machine has one link of each name. The boot link may have an entry under links."""
    for name, machine in p.declared.items():
        owners = {machine.boot_link or BOOT_LINK: "the boot link"}
        for kind, link, _ in machine.nics.every():
            if link in owners and not (kind == "links" and owners[link] == "the boot link"):
                yield fault(
                    ("machines", name, "nics", kind, link),
                    f"is already the name of {owners[link]}",
                    "the links of a machine must have different names",
                    "choose another name of at most 15 characters",
                )
            owners.setdefault(link, f"nics.{kind}.{link}")


@check("network")
def boot_link_is_known(p: Platform) -> Iterator[Fault]:
    """A machine with configured links has a boot link, because configured links end DHCP on all others."""
    for name, machine in p.declared.items():
        if machine.boot_link is None and machine.nics.configured:
            yield fault(
                ("machines", name, "link"),
                "is missing, and so is mac",
                "once one link is configured, Talos runs DHCP on no other, so the boot link must be known",
                "write mac, or the link's name, e.g. eth0",
            )


@check("network")
def boot_link_has_one_mac(p: Platform) -> Iterator[Fault]:
    """The boot link's MAC is the machine's, and it has one name."""
    for name, machine in p.declared.items():
        boot, links = machine.boot_link, machine.nics.links
        if boot is None:
            continue
        if boot in links and links[boot].mac not in (None, machine.mac):
            yield fault(
                ("machines", name, "nics", "links", boot, "mac"),
                f"is {links[boot].mac}, but the machine's mac is {machine.mac or 'not set'}",
                "the machine would boot from one link and have its address on another",
                "remove it, and write the MAC as the machine's mac",
            )
        for link, spec in links.items():
            if machine.mac and spec.mac == machine.mac and link != boot:
                yield fault(
                    ("machines", name, "nics", "links", link, "mac"),
                    f"{spec.mac} is the MAC of the boot link, whose name is {boot}",
                    "a link has one name",
                    f"rename the entry to {boot}, and remove mac",
                )


@check("network")
def own_address_is_set_once(p: Platform) -> Iterator[Fault]:
    """The link with the machine's own address has no second one."""
    for name, machine in p.declared.items():
        boot = machine.boot_link
        for kind, link, spec in machine.nics.every() if boot else ():
            holder = _holder_of_own_address(machine, str(boot), kind, link)
            if holder and spec.address is not None:
                yield fault(
                    ("machines", name, "nics", kind, link, "address"),
                    f"is set for {holder}",
                    f"that link already has the machine's own address, {machine.address}",
                    "remove it",
                )


def _holder_of_own_address(machine: MachineSpec, boot: str, kind: str, link: str) -> str | None:
    """What a link with the machine's own address is, for messages; None where it is another one."""
    nics = machine.nics
    if link == boot and kind == "links":
        return "the boot link"
    if link == nics.carrier(boot) or (kind == "bonds" and boot in nics.bonds[link].links):
        return f"a {NOUNS[kind]} that contains the boot link"
    return None


@check("network")
def link_macs_are_unique(p: Platform) -> Iterator[Fault]:
    """No two links of the platform have one MAC."""
    owners = {m.mac: f"machines.{name}.mac" for name, m in p.declared.items() if m.mac}
    for name, machine in p.declared.items():
        for link, spec in machine.nics.links.items():
            if spec.mac is None or spec.mac == machine.mac or link == machine.boot_link:
                continue
            if spec.mac in owners:
                yield fault(
                    ("machines", name, "nics", "links", link, "mac"),
                    f"{spec.mac} is already {owners[spec.mac]}",
                    "every NIC has a MAC of its own",
                    "read the MAC from the machine's label or from its BMC",
                )
            owners.setdefault(spec.mac, f"machines.{name}.nics.links.{link}.mac")


@check("network")
def link_addresses_are_in_other_networks(p: Platform) -> Iterator[Fault]:
    """No link has an address in the networks of machines, pods or services, nor in another link's."""
    overlaps = Overlaps(p)
    for name, machine in p.declared.items():
        owners: dict[IpNetwork, str] = {}
        for path, address in machine.nics.addresses():
            place = ("machines", name, "nics", *path, "address")
            for key, network in overlaps.of(address.network):
                yield fault(
                    place,
                    f"the network of {address} overlaps network.{key} {network}",
                    "packets would leave by the wrong link",
                    "use a network that overlaps none of these",
                )
            for network, owner in owners.items():
                if address.network.overlaps(network):
                    yield fault(
                        place,
                        f"{address} is in {network}, in which {owner} has an address",
                        "packets to that network would leave by either of the two",
                        "use a different network for each, or combine the links in a bond",
                    )
            owners.setdefault(address.network, f"nics.{'.'.join(path)}")


@check("network")
def link_addresses_are_unique(p: Platform) -> Iterator[Fault]:
    """No two links of the platform have one address."""
    owners: dict[IpAddress, tuple[str, str]] = {}
    for name, machine in p.declared.items():
        for path, address in machine.nics.addresses():
            owner, where = owners.get(address.ip, (name, ""))
            # Two links of one machine in one network are reported as such.
            if owner != name:
                yield fault(
                    ("machines", name, "nics", *path, "address"),
                    f"{address.ip} is already the address of {where}",
                    "packets to it would reach either of the two",
                    "use a different address for each",
                )
            owners.setdefault(address.ip, (name, f"machines.{name}.nics.{'.'.join(path)}"))


@check("network")
def link_has_an_address_or_dhcp(p: Platform) -> Iterator[Fault]:
    """A link with DHCP has no address of another origin, and is in no bond and no bridge."""
    for name, machine in p.declared.items():
        for kind, link, spec in machine.nics.every():
            if spec.dhcp and (reason := _why_no_dhcp(machine, link, spec)):
                yield fault(("machines", name, "nics", kind, link, "dhcp"), *reason)


def _why_no_dhcp(machine: MachineSpec, link: str, spec: JoinedSpec) -> tuple[str, str, str] | None:
    """Why a link can't ask for an address: what, why, and what to write instead. None where it can."""
    nics, boot = machine.nics, machine.boot_link
    joined = {**nics.bonded, **nics.bridged}.get(link)
    if boot is not None and link in (boot, nics.carrier(boot)):
        return (
            "is true for the link with the machine's own address",
            "network.gateway says whether that address comes from DHCP",
            "remove dhcp",
        )
    if spec.address:
        return "is true, and address is set", "a link has its address from one of the two", "remove one of the two"
    if joined:
        return (
            f"is true for a link that is in {joined}",
            f"its packets belong to {joined}",
            f"remove it, or write it under {joined}",
        )
    return None
