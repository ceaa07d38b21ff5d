"""A machine's links beyond the one that it boots from: bonds, VLANs and how large their packets are."""

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Interface
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from .faults import refuse
from .types import ByName, LinkName, Mac, Model

if TYPE_CHECKING:
    from .machine import Machine
    from .model import Platform

# What the link that a machine boots from is called where it is found by its MAC.
BOOT_LINK = "lan0"
# What a link has that nobody said anything about.
USUAL_MTU = 1500


def _interface(value: Any) -> Any:
    if isinstance(value, IPv4Interface) or not isinstance(value, str):
        return value
    try:
        if "/" not in value:
            raise ValueError
        made = IPv4Interface(value)
    except ValueError:
        refuse(f"{value!r} is not an IPv4 address with its prefix", "the link's network follows from it", "write e.g. 10.30.0.21/24")
    if made.network.prefixlen < 31 and made.ip in (made.network.network_address, made.network.broadcast_address):
        refuse(f"{value!r} is a network's own address or its broadcast address", "no machine can hold it", f"write a host of {made.network}, e.g. {made.network.network_address + 1}/{made.network.prefixlen}")
    return made


HostAddress = Annotated[
    IPv4Interface, BeforeValidator(_interface), PlainSerializer(str), WithJsonSchema({"type": "string", "pattern": r"^[\d.]+/\d{1,2}$"})
]
Mtu = Annotated[int, Field(ge=1280, le=9216, strict=True)]


class Link(Model):
    """A NIC by its MAC, and then by the name it has here; or with no MAC, by the kernel's own name."""

    mac: Mac | None = None
    """Without it, the name here must be the kernel's."""
    mtu: Mtu | None = None
    """The largest packet, 1500 where nothing is said."""
    address: HostAddress | None = None
    """With its prefix. With none, the link is up and has no address."""


class Bond(Model):
    """Several links as one. With the boot link in it, it has the machine's own address."""

    links: tuple[LinkName, ...] = Field(min_length=1, examples=["[lan0, data0]"])
    """Names of links:, or lan0, the boot link."""
    mode: Literal["802.3ad", "active-backup", "balance-xor", "balance-tlb", "balance-alb"] = "802.3ad"
    """802.3ad is LACP and needs the switch to speak it; active-backup needs nothing of it."""
    mtu: Mtu | None = None
    """Of the bond and its links."""
    address: HostAddress | None = None


class Vlan(Model):
    """A tagged network over a link or a bond."""

    parent: LinkName = Field(examples=["bond0"])
    id: Annotated[int, Field(ge=1, le=4094, strict=True)] = Field(examples=["100"])
    mtu: Mtu | None = None
    """At most the parent's."""
    address: HostAddress | None = None


class Nics(Model):
    """What a machine has beside its boot link, by the names that its links get: at most 15 characters, each once."""

    links: ByName[LinkName, Link] = Field(default={}, validate_default=True)
    bonds: ByName[LinkName, Bond] = Field(default={}, validate_default=True)
    vlans: ByName[LinkName, Vlan] = Field(default={}, validate_default=True)

    @property
    def bonded(self) -> dict[str, str]:
        """A link that is part of a bond, and of which."""
        return {link: name for name, bond in self.bonds.items() for link in bond.links}

    def addresses(self) -> Iterator[tuple[tuple[str, str], IPv4Interface]]:
        """Every address, and where it is written."""
        for kind in ("links", "bonds", "vlans"):
            yield from (((kind, name), each.address) for name, each in getattr(self, kind).items() if each.address)


Text = tuple[str, str, str]


def faults(platform: "Platform") -> Iterator[tuple[tuple[str, ...], Text]]:
    """What no single field can know: where, and what, why, what instead."""
    macs = {m.mac: f"machines.{name}.mac" for name, m in platform.declared.items() if m.mac}
    held: dict[Any, str] = {}
    for name, machine in platform.declared.items():
        for path, text in (*_names(machine), *_boot(machine), *_bonds(machine), *_vlans(machine), *_macs(name, machine, macs), *_addresses(name, machine, platform, held)):
            yield ("machines", name, *path), text


Found = Iterator[tuple[tuple[str, ...], Text]]


def _names(machine: "Machine") -> Found:
    seen: dict[str, str] = {machine.boot_link or BOOT_LINK: "the boot link"}
    for kind in ("links", "bonds", "vlans"):
        for name in getattr(machine.nics, kind):
            if name in seen and not (kind == "links" and seen[name] == "the boot link"):
                yield ("nics", kind, name), (f"is already {seen[name]}'s name", "a machine has one link of each name", "choose another, at most 15 characters")
            seen.setdefault(name, f"nics.{kind}.{name}")


def _boot(machine: "Machine") -> Found:
    nics, boot = machine.nics, machine.boot_link
    if boot is None:
        if nics.links or nics.bonds or nics.vlans:
            yield ("link",), ("is missing, and so is mac", "what is said of one link ends DHCP on all others, so the boot link must be known", "write mac, or the link's name, e.g. eth0")
        return
    own = nics.links.get(boot)
    if own is not None and own.address is not None:
        yield ("nics", "links", boot, "address"), ("is said of the boot link", "that one has the machine's own address", f"leave it out: it is {machine.address}")
    if own is not None and own.mac not in (None, machine.mac):
        yield ("nics", "links", boot, "mac"), (f"is {own.mac}, and the boot link's is {machine.mac or 'not said'}", "the machine would boot from one link and have its address on another", "leave it out, and write the machine's mac")
    if machine.mac:
        for name, link in nics.links.items():
            if link.mac == machine.mac and name != boot:
                yield ("nics", "links", name, "mac"), (f"{link.mac} is the boot link's, which is known as {boot}", "a link has one name", f"write {boot} for it, and leave mac out")


def _bonds(machine: "Machine") -> Found:
    nics, taken = machine.nics, dict[str, str]()
    known = {*nics.links, machine.boot_link or BOOT_LINK}
    for name, bond in nics.bonds.items():
        where = ("nics", "bonds", name, "links")
        for link in sorted(set(bond.links)):
            if bond.links.count(link) > 1:
                yield where, (f"names {link} twice", "a link is in a bond once", "name each once")
            if link not in known:
                yield where, (f"names {link}, which is no link of this machine", "the bond would wait for it", f"write it under nics.links, or one of {', '.join(sorted(known))}")
            if link in taken:
                yield where, (f"names {link}, which is in {taken[link]}", "a link is in one bond", "name it in one of the two")
            taken.setdefault(link, name)
        if machine.boot_link in bond.links and bond.address is not None:
            yield ("nics", "bonds", name, "address"), ("is said of a bond with the boot link in it", "that one has the machine's own address", f"leave it out: it is {machine.address}")
    for link, bond_name in sorted(taken.items()):
        own = nics.links.get(link)
        for what in ("mtu", "address") if own is not None and link != machine.boot_link else ("mtu",) if own is not None else ():
            if getattr(own, what) is not None:
                yield ("nics", "links", link, what), (f"is said of a link that is in {bond_name}", "the bond's holds for all its links", f"write it at nics.bonds.{bond_name}")


def _vlans(machine: "Machine") -> Found:
    nics, seen = machine.nics, dict[tuple[str, int], str]()
    parents: Mapping[str, Any] = {machine.boot_link or BOOT_LINK: None, **nics.links, **nics.bonds}
    for name, vlan in nics.vlans.items():
        where, parent = ("nics", "vlans", name), vlan.parent
        if parent not in parents:
            yield (*where, "parent"), (f"{parent} is no link and no bond of this machine", "its packets would have no way", f"write one of {', '.join(sorted(parents))}")
            continue
        if parent in nics.bonded:
            yield (*where, "parent"), (f"{parent} is in {nics.bonded[parent]}", "the bond takes its packets", f"write {nics.bonded[parent]}")
            continue
        if (parent, vlan.id) in seen:
            yield (*where, "id"), (f"{vlan.id} is already {seen[parent, vlan.id]}'s over {parent}", "a packet belongs to one of them", "give each its own, or make them one")
        seen.setdefault((parent, vlan.id), name)
        most = getattr(parents[parent], "mtu", None) or USUAL_MTU
        if (vlan.mtu or USUAL_MTU) > most:
            yield (*where, "mtu"), (f"{vlan.mtu or USUAL_MTU} is more than {parent}'s, which is {most}", "larger packets would not fit through it", f"write at most {most}, or raise {parent}'s mtu")


def _macs(name: str, machine: "Machine", owner: dict[str, str]) -> Found:
    for link, spec in machine.nics.links.items():
        if spec.mac is None or spec.mac == machine.mac or link == machine.boot_link:
            continue
        if spec.mac in owner:
            yield ("nics", "links", link, "mac"), (f"{spec.mac} is already {owner[spec.mac]}", "no two NICs have one", "read each from its label or its BMC")
        owner.setdefault(spec.mac, f"machines.{name}.nics.links.{link}.mac")


def _addresses(name: str, machine: "Machine", platform: "Platform", held: dict[Any, str]) -> Found:
    for path, address in machine.nics.addresses():
        where = ("nics", *path, "address")
        for what in ("nodes", "pods", "services"):
            network = getattr(platform.network, what)
            if address.network.overlaps(network):
                yield where, (f"{address} is in a network that overlaps network.{what} {network}", "packets would take the wrong link", "use a network of its own")
        if address.ip in held:
            yield where, (f"{address.ip} is already {held[address.ip]}'s", "two would answer at one address", "give each its own")
        held.setdefault(address.ip, f"machines.{name}.nics.{'.'.join(path)}")
