"""Routes of machines' links: whether a packet finds the router, and doesn't miss what is nearer."""

from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.model.machine import MachineSpec
    from core.model.model import Platform
    from core.model.nics import Joined, Route

Text = tuple[str, str, str]
Found = Iterator[tuple[tuple[str, ...], Text]]

EVERYWHERE = IPv4Network("0.0.0.0/0")
# What the kernel takes where nothing is said of it (Talos, network.DefaultRouteMetric).
USUAL_METRIC = 1024


def faults(machine: "MachineSpec", platform: "Platform") -> Found:
    """Where, and what, why, what instead."""
    nics, net = machine.nics, platform.network
    carrier = nics.carrier(machine.boot_link) if machine.boot_link else None
    inside = {**nics.bonded, **nics.bridged}
    near = {f"{kind}.{name}": each.address.network for kind, name, each in nics.every() if each.address}
    ways: dict[tuple[IPv4Network, int], str] = {}
    for kind, name, each in nics.every():
        if name in inside:
            continue  # Whatever it says beside its size is told where it is joined.
        for index, route in enumerate(each.routes):
            where = ("nics", kind, name, "routes", str(index))
            told = list(_target(where, route, platform, near))
            told += _router(
                where,
                route,
                machine,
                net.nodes if name == carrier else each.address.network if each.address else None,
                each,
            )
            yield from told
            way = (route.to, route.metric or USUAL_METRIC)
            if way in ways and not told:
                yield (
                    (*where, "metric"),
                    (
                        f"{way[1]} is already that of {ways[way]} to {route.to}",
                        "the kernel takes one of the two, and nobody could say which",
                        "give each its own; the lower one counts",
                    ),
                )
            ways.setdefault(way, f"nics.{kind}.{name}.routes.{index}")


def _target(where: tuple[str, ...], route: "Route", platform: "Platform", near: dict[str, IPv4Network]) -> Found:
    if route.to == EVERYWHERE:
        instead = (
            f"name the networks behind {route.via}"
            if platform.network.gateway
            else "write network.gateway, or name the networks behind it"
        )
        yield (
            (*where, "to"),
            (
                "0.0.0.0/0 is a second way out",
                "packets to everywhere would leave by whichever of the two answers first",
                instead,
            ),
        )
        return
    if route.to.is_multicast or route.to.is_loopback or route.to.is_link_local:
        yield (*where, "to"), (f"{route.to} is not routed", "it ends at the link or within the machine", "leave it out")
        return
    for what in ("nodes", "pods", "services"):
        network = getattr(platform.network, what)
        if route.to.overlaps(network):
            yield (
                (*where, "to"),
                (
                    f"{route.to} overlaps network.{what} {network}",
                    "packets to machines, pods or services would leave by this link",
                    "name the networks around it, without it",
                ),
            )
            return
    for link, network in near.items():
        if route.to.subnet_of(network):
            yield (
                (*where, "to"),
                (
                    f"{route.to} is in {network}, where nics.{link} has an address",
                    "its hosts are neighbours, and a router would be a detour or a circle",
                    "leave it out, or name a network beyond",
                ),
            )
            return


def _router(
    where: tuple[str, ...], route: "Route", machine: "MachineSpec", own: IPv4Network | None, each: "Joined"
) -> Found:
    at = ".".join(where[:3])
    if own is None:
        yield (
            (*where, "via"),
            (
                f"{route.via} can't be reached from {at}, which has no address",
                "a router is found in the link's own network",
                f"write {at}.address",
            ),
        )
    elif route.via not in own:
        yield (
            (*where, "via"),
            (
                f"{route.via} is outside {own}, the network of {at}",
                "a router is found in the link's own network",
                f"write a host of {own}",
            ),
        )
    elif own.prefixlen < 31 and route.via in (own.network_address, own.broadcast_address):
        yield (
            (*where, "via"),
            (
                f"{route.via} is the network's own address or its broadcast address",
                "no router can hold it",
                f"write another host of {own}",
            ),
        )
    elif route.via == machine.address or (each.address is not None and route.via == each.address.ip):
        yield (
            (*where, "via"),
            (
                f"{route.via} is the machine's own address",
                "it would send packets to itself, in a circle",
                "write the router's",
            ),
        )
