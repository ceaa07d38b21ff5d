"""Bonds: which links they consist of, and what those links may still set."""

from collections.abc import Iterator

from core.model.faults import Fault, fault
from core.model.platform import Platform

from .links import known_names
from .registry import check


@check("network")
def bonds_consist_of_free_links(p: Platform) -> Iterator[Fault]:
    """A bond contains links of the machine, each once, and none that another bond contains."""
    for name, machine in p.declared.items():
        bond_of: dict[str, str] = {}
        known = known_names(machine, "links")
        for bond, spec in machine.nics.bonds.items():
            path = ("machines", name, "nics", "bonds", bond, "links")
            for link in sorted(set(spec.links)):
                if spec.links.count(link) > 1:
                    yield fault(path, f"contains {link} twice", "a bond uses each link once", "write each link once")
                if link not in known:
                    yield fault(
                        path,
                        f"contains {link}, which is not a link of this machine",
                        "the bond would wait for it and never come up",
                        f"define it under nics.links, or write one of {', '.join(sorted(known))}",
                    )
                if link in bond_of:
                    yield fault(
                        path,
                        f"contains {link}, which is already in {bond_of[link]}",
                        "a link can only be in one bond",
                        "remove it from one of the two",
                    )
                bond_of.setdefault(link, bond)


@check("network")
def bonded_links_set_nothing(p: Platform) -> Iterator[Fault]:
    """A link in a bond has no mtu, address or routes of its own."""
    for name, machine in p.declared.items():
        links = machine.nics.links
        for link, bond in sorted(machine.nics.bonded.items()):
            for key in ("mtu", "address", "routes") if link in links else ():
                # The address of the boot link is reported as such.
                if getattr(links[link], key) and (key, link) != ("address", machine.boot_link):
                    yield fault(
                        ("machines", name, "nics", "links", link, key),
                        f"is set for a link that is in {bond}",
                        "the bond's setting applies to all its links",
                        f"write it under nics.bonds.{bond}",
                    )


@check("network")
def lacp_is_set_where_it_is_spoken(p: Platform) -> Iterator[Fault]:
    """Only a bond that speaks LACP has a rate of its packets."""
    for name, machine in p.declared.items():
        for bond, spec in machine.nics.bonds.items():
            if spec.lacp_rate and spec.mode != "802.3ad":
                yield fault(
                    ("machines", name, "nics", "bonds", bond, "lacp_rate"),
                    f"is set, but mode is {spec.mode}",
                    "a bond of that mode speaks no LACP",
                    "remove it, or write mode: 802.3ad",
                )
