"""What links of machines make of each other: names, parts of bonds and bridges, VLANs, packet sizes, addresses."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from core.model.nics import BOOT_LINK, LINK_KINDS, USUAL_MTU

from . import routes

if TYPE_CHECKING:
    from core.model.machine import MachineSpec
    from core.model.model import Platform

Text = tuple[str, str, str]
Found = Iterator[tuple[tuple[str, ...], Text]]

# Modes that answer under several MACs of their own: a switch, or what is plugged into the bridge, loses its way.
# Source: oVirt's and Red Hat's lists of bonding modes for bridged networks.
NOT_BRIDGED = ("balance-tlb", "balance-alb")

_ONE = {"links": "link", "bonds": "bond", "vlans": "VLAN", "bridges": "bridge"}


def faults(platform: "Platform") -> Found:
    """What no single field can know: where, and what, why, what instead."""
    macs = {m.mac: f"machines.{name}.mac" for name, m in platform.declared.items() if m.mac}
    held: dict[Any, str] = {}
    for name, machine in platform.declared.items():
        found = (
            *_names(machine), *_boot(machine), *_bonds(machine), *_bridges(machine), *_vlans(machine), *_own_address(machine),
            *_macs(name, machine, macs), *_addresses(name, machine, platform, held), *routes.faults(machine, platform),
        )  # fmt: skip
        for path, text in found:
            yield ("machines", name, *path), text


def _names(machine: "MachineSpec") -> Found:
    seen: dict[str, str] = {machine.boot_link or BOOT_LINK: "the boot link"}
    for kind, name, _ in machine.nics.every():
        if name in seen and not (kind == "links" and seen[name] == "the boot link"):
            yield (
                ("nics", kind, name),
                (
                    f"is already {seen[name]}'s name",
                    "a machine has one link of each name",
                    "choose another, at most 15 characters",
                ),
            )
        seen.setdefault(name, f"nics.{kind}.{name}")


def _boot(machine: "MachineSpec") -> Found:
    nics, boot = machine.nics, machine.boot_link
    if boot is None:
        if nics.said:
            yield (
                ("link",),
                (
                    "is missing, and so is mac",
                    "what is said of one link ends DHCP on all others, so the boot link must be known",
                    "write mac, or the link's name, e.g. eth0",
                ),
            )
        return
    own = nics.links.get(boot)
    if own is not None and own.mac not in (None, machine.mac):
        yield (
            ("nics", "links", boot, "mac"),
            (
                f"is {own.mac}, and the boot link's is {machine.mac or 'not said'}",
                "the machine would boot from one link and have its address on another",
                "leave it out, and write the machine's mac",
            ),
        )
    if machine.mac:
        for name, link in nics.links.items():
            if link.mac == machine.mac and name != boot:
                yield (
                    ("nics", "links", name, "mac"),
                    (
                        f"{link.mac} is the boot link's, which is known as {boot}",
                        "a link has one name",
                        f"write {boot} for it, and leave mac out",
                    ),
                )


def _own_address(machine: "MachineSpec") -> Found:
    """The machine's own address is on one link, and said once, at the machine."""
    nics, boot = machine.nics, machine.boot_link
    if boot is None:
        return
    carrier = nics.carrier(boot)
    for kind, name, each in nics.every():
        if name == boot and kind == "links":
            what = "the boot link"
        elif name == carrier or (kind == "bonds" and boot in nics.bonds[name].links):
            what = f"a {_ONE[kind]} with the boot link in it"
        else:
            continue
        if each.address is not None:
            yield (
                ("nics", kind, name, "address"),
                (
                    f"is said of {what}",
                    "that one has the machine's own address",
                    f"leave it out: it is {machine.address}",
                ),
            )


def _bonds(machine: "MachineSpec") -> Found:
    nics, taken = machine.nics, dict[str, str]()
    known = {*nics.links, machine.boot_link or BOOT_LINK}
    for name, bond in nics.bonds.items():
        where = ("nics", "bonds", name, "links")
        for link in sorted(set(bond.links)):
            if bond.links.count(link) > 1:
                yield where, (f"names {link} twice", "a link is in a bond once", "name each once")
            if link not in known:
                yield (
                    where,
                    (
                        f"names {link}, which is no link of this machine",
                        "the bond would wait for it",
                        f"write it under nics.links, or one of {', '.join(sorted(known))}",
                    ),
                )
            if link in taken:
                yield (
                    where,
                    (f"names {link}, which is in {taken[link]}", "a link is in one bond", "name it in one of the two"),
                )
            taken.setdefault(link, name)
    for link, bond_name in sorted(taken.items()):
        own = nics.links.get(link)
        for what in ("mtu", "address", "routes") if own is not None else ():
            # An address of the boot link is told by itself.
            if getattr(own, what) and (what, link) != ("address", machine.boot_link):
                yield (
                    ("nics", "links", link, what),
                    (
                        f"is said of a link that is in {bond_name}",
                        "the bond's holds for all its links",
                        f"write it at nics.bonds.{bond_name}",
                    ),
                )


def _bridges(machine: "MachineSpec") -> Found:
    nics, taken = machine.nics, dict[str, str]()
    known: dict[str, Any] = {machine.boot_link or BOOT_LINK: None, **nics.links, **nics.bonds, **nics.vlans}
    for name, bridge in nics.bridges.items():
        where = ("nics", "bridges", name)
        for link in sorted(set(bridge.links)):
            if bridge.links.count(link) > 1:
                yield (*where, "links"), (f"names {link} twice", "a link is in a bridge once", "name each once")
            if link in nics.bridges:
                yield (
                    (*where, "links"),
                    (
                        f"names {link}, which is a bridge",
                        "the kernel puts no bridge into another",
                        f"name the links of {link}",
                    ),
                )
            elif link not in known:
                yield (
                    (*where, "links"),
                    (
                        f"names {link}, which is no link of this machine",
                        "the bridge would wait for it",
                        f"write it under nics.links, or one of {', '.join(sorted(known))}",
                    ),
                )
            elif link in nics.bonded:
                yield (
                    (*where, "links"),
                    (
                        f"names {link}, which is in {nics.bonded[link]}",
                        "the bond takes its packets",
                        f"name {nics.bonded[link]}",
                    ),
                )
            elif link in taken:
                yield (
                    (*where, "links"),
                    (
                        f"names {link}, which is in {taken[link]}",
                        "a link is in one bridge",
                        "name it in one of the two",
                    ),
                )
            elif link in nics.vlans and nics.vlans[link].parent == name:
                yield (
                    (*where, "links"),
                    (
                        f"names {link}, which is a VLAN over {name}",
                        "its packets would go round in a circle",
                        f"name {link}'s parent another link, or leave it out",
                    ),
                )
            elif link in nics.bonds and nics.bonds[link].mode in NOT_BRIDGED:
                yield (
                    (*where, "links"),
                    (
                        f"names {link}, whose mode is {nics.bonds[link].mode}",
                        "it answers with MACs of its own, and what is plugged into the bridge has others",
                        f"write mode: active-backup, or 802.3ad, at nics.bonds.{link}",
                    ),
                )
            else:
                yield from _joined(machine, name, link, known[link])
            taken.setdefault(link, name)
        if len(set(bridge.links)) > 1 and not bridge.stp:
            yield (
                (*where, "stp"),
                (
                    f"is false, and the bridge joins {' and '.join(sorted(set(bridge.links)))}",
                    "where two of them end in one network, packets go round for ever and flood it",
                    "write stp: true, or make them one bond",
                ),
            )


def _joined(machine: "MachineSpec", bridge: str, link: str, each: Any) -> Found:
    """One link of a bridge: it has nothing of its own but how large its packets are."""
    nics = machine.nics
    kind = next((k for k in LINK_KINDS if link in getattr(nics, k)), "links")
    boot = machine.boot_link is not None and link == nics.bonded.get(machine.boot_link, machine.boot_link)
    for what in ("address", "routes"):
        if getattr(each, what, None) and not (boot and what == "address"):
            yield (
                ("nics", kind, link, what),
                (
                    f"is said of a {_ONE[kind]} that is in {bridge}",
                    "the bridge takes its packets",
                    f"write it at nics.bridges.{bridge}",
                ),
            )
    most, own = getattr(each, "mtu", None) or USUAL_MTU, nics.bridges[bridge].mtu or USUAL_MTU
    if own > most:
        yield (
            ("nics", "bridges", bridge, "mtu"),
            (
                f"{own} is more than {link}'s, which is {most}",
                "larger packets would not fit through it",
                f"write at most {most}, or raise {link}'s mtu",
            ),
        )


def _vlans(machine: "MachineSpec") -> Found:
    nics, seen = machine.nics, dict[tuple[str, int], str]()
    parents: dict[str, Any] = {machine.boot_link or BOOT_LINK: None, **nics.links, **nics.bonds, **nics.bridges}
    for name, vlan in nics.vlans.items():
        where, parent = ("nics", "vlans", name), vlan.parent
        if parent not in parents:
            yield (
                (*where, "parent"),
                (
                    f"{parent} is no link, bond or bridge of this machine",
                    "its packets would have no way",
                    f"write one of {', '.join(sorted(parents))}",
                ),
            )
            continue
        if parent in nics.bonded:
            yield (
                (*where, "parent"),
                (f"{parent} is in {nics.bonded[parent]}", "the bond takes its packets", f"write {nics.bonded[parent]}"),
            )
            continue
        if (parent, vlan.id) in seen:
            yield (
                (*where, "id"),
                (
                    f"{vlan.id} is already {seen[parent, vlan.id]}'s over {parent}",
                    "a packet belongs to one of them",
                    "give each its own, or make them one",
                ),
            )
        seen.setdefault((parent, vlan.id), name)
        most = getattr(parents[parent], "mtu", None) or USUAL_MTU
        if (vlan.mtu or USUAL_MTU) > most:
            yield (
                (*where, "mtu"),
                (
                    f"{vlan.mtu or USUAL_MTU} is more than {parent}'s, which is {most}",
                    "larger packets would not fit through it",
                    f"write at most {most}, or raise {parent}'s mtu",
                ),
            )


def _macs(name: str, machine: "MachineSpec", owner: dict[str, str]) -> Found:
    for link, spec in machine.nics.links.items():
        if spec.mac is None or spec.mac == machine.mac or link == machine.boot_link:
            continue
        if spec.mac in owner:
            yield (
                ("nics", "links", link, "mac"),
                (
                    f"{spec.mac} is already {owner[spec.mac]}",
                    "no two NICs have one",
                    "read each from its label or its BMC",
                ),
            )
        owner.setdefault(spec.mac, f"machines.{name}.nics.links.{link}.mac")


def _addresses(name: str, machine: "MachineSpec", platform: "Platform", held: dict[Any, str]) -> Found:
    for path, address in machine.nics.addresses():
        where = ("nics", *path, "address")
        for what in ("nodes", "pods", "services"):
            network = getattr(platform.network, what)
            if address.network.overlaps(network):
                yield (
                    where,
                    (
                        f"{address} is in a network that overlaps network.{what} {network}",
                        "packets would take the wrong link",
                        "use a network of its own",
                    ),
                )
        if address.ip in held:
            yield (
                where,
                (
                    f"{address.ip} is already {held[address.ip]}'s",
                    "two would answer at one address",
                    "give each its own",
                ),
            )
        held.setdefault(address.ip, f"machines.{name}.nics.{'.'.join(path)}")
