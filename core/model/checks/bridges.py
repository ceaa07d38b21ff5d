"""Bridges: which links they connect, and what those links may still set."""

from collections.abc import Iterator

from core.model.faults import Fault, fault
from core.model.machine import MachineSpec
from core.model.nics import DEFAULT_MTU, LINK_KINDS, JoinedSpec
from core.model.platform import Platform

from .links import NOUNS, known_names
from .registry import check

# In these modes a bond sends from several MACs, which the bridge's own MAC learning contradicts.
# Source: oVirt's and Red Hat's lists of bonding modes for bridged networks.
NOT_BRIDGED = ("balance-tlb", "balance-alb")


def _connected(p: Platform) -> Iterator[tuple[str, MachineSpec, str, str, str]]:
    """Each link of each bridge that can be connected: machine's name and spec, bridge, link, and the link's kind."""
    for name, machine in p.declared.items():
        bridge_of: dict[str, str] = {}
        for bridge, spec in machine.nics.bridges.items():
            for link in sorted(set(spec.links)):
                if _why_not(machine, bridge, link, bridge_of) is None:
                    kind = next((kind for kind in LINK_KINDS if link in getattr(machine.nics, kind)), "links")
                    yield name, machine, bridge, link, kind
                bridge_of.setdefault(link, bridge)


def _why_not(machine: MachineSpec, bridge: str, link: str, bridge_of: dict[str, str]) -> tuple[str, str, str] | None:
    """Why a bridge can't connect a link: what, why, and what to write instead. None where it can.

    bridge_of: link to the bridge that connects it already.
    """
    nics, known = machine.nics, known_names(machine, "links", "bonds", "vlans")
    if link in nics.bridges:
        return "is a bridge", "a bridge can't contain another bridge", f"write the links of {link}"
    if link not in known:
        return (
            "is not a link of this machine",
            "the bridge would wait for it and never come up",
            f"define it under nics.links, or write one of {', '.join(sorted(known))}",
        )
    if link in nics.bonded:
        return f"is in {nics.bonded[link]}", "its packets belong to the bond", f"write {nics.bonded[link]}"
    if link in bridge_of:
        return (
            f"is already in {bridge_of[link]}",
            "a link can only be in one bridge",
            "remove it from one of the two",
        )
    if link in nics.vlans and nics.vlans[link].parent == bridge:
        return (
            f"is a VLAN over {bridge}",
            "its packets would circulate between the two",
            f"choose another parent for {link}, or remove it here",
        )
    if link in nics.bonds and nics.bonds[link].mode in NOT_BRIDGED:
        return (
            f"is a bond with mode {nics.bonds[link].mode}",
            "such a bond rewrites MACs, and replies to VMs at the bridge would be lost",
            f"write mode: active-backup or 802.3ad under nics.bonds.{link}",
        )
    return None


@check("network")
def bridges_connect_free_links(p: Platform) -> Iterator[Fault]:
    """A bridge contains links that can be connected, each once."""
    for name, machine in p.declared.items():
        bridge_of: dict[str, str] = {}
        for bridge, spec in machine.nics.bridges.items():
            path = ("machines", name, "nics", "bridges", bridge, "links")
            for link in sorted(set(spec.links)):
                if spec.links.count(link) > 1:
                    yield fault(path, f"contains {link} twice", "a bridge connects a link once", "write each link once")
                if reason := _why_not(machine, bridge, link, bridge_of):
                    what, why, instead = reason
                    yield fault(path, f"contains {link}, which {what}", why, instead)
                bridge_of.setdefault(link, bridge)


@check("network")
def bridges_make_no_loop(p: Platform) -> Iterator[Fault]:
    """A bridge of several links speaks the spanning tree protocol."""
    for name, machine in p.declared.items():
        for bridge, spec in machine.nics.bridges.items():
            links = sorted(set(spec.links))
            if len(links) > 1 and not spec.stp:
                yield fault(
                    ("machines", name, "nics", "bridges", bridge, "stp"),
                    f"is false, but the bridge connects {' and '.join(links)}",
                    "if two of them lead to one network, packets circulate without end and block it",
                    "write stp: true, or combine the links in a bond",
                )


@check("network")
def bridged_links_set_nothing(p: Platform) -> Iterator[Fault]:
    """A link in a bridge has no address or routes of its own."""
    for name, machine, bridge, link, kind in _connected(p):
        nics, boot = machine.nics, machine.boot_link
        # The address of a link with the machine's own address is reported as such.
        own = boot is not None and link == nics.bonded.get(boot, boot)
        spec = getattr(nics, kind).get(link)
        for key in ("address", "routes"):
            if getattr(spec, key, None) and not (own and key == "address"):
                yield fault(
                    ("machines", name, "nics", kind, link, key),
                    f"is set for a {NOUNS[kind]} that is in {bridge}",
                    "its packets belong to the bridge",
                    f"write it under nics.bridges.{bridge}",
                )


@check("network")
def bridge_packets_fit_its_links(p: Platform) -> Iterator[Fault]:
    """A bridge's mtu is at most that of each of its links."""
    for name, machine, bridge, link, kind in _connected(p):
        spec: JoinedSpec | None = getattr(machine.nics, kind).get(link)
        largest = (spec.mtu if spec else None) or DEFAULT_MTU
        mtu = machine.nics.bridges[bridge].mtu or DEFAULT_MTU
        if mtu > largest:
            yield fault(
                ("machines", name, "nics", "bridges", bridge, "mtu"),
                f"{mtu} is more than the mtu of {link}, {largest}",
                "larger packets would be dropped",
                f"write at most {largest}, or raise the mtu of {link}",
            )
