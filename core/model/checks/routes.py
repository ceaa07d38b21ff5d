"""Routes of machines' links: a reachable router, and a network that is not nearer another way."""

from collections.abc import Iterator
from dataclasses import dataclass

from core.facts.networks import IpNetwork, ends
from core.model.faults import Fault, fault
from core.model.machine import MachineSpec
from core.model.nics import JoinedSpec, RouteSpec
from core.model.platform import Platform

from .networks import Overlaps
from .registry import check

# Source: siderolabs/talos, network.DefaultRouteMetric.
DEFAULT_METRIC = 1024
"""Metric of a route that sets none; the kernel takes the route with the lowest."""


@dataclass(frozen=True)
class _Written:
    """A route, and where it is written."""

    machine: MachineSpec
    path: tuple[str, ...]
    """From `nics` on."""
    link: JoinedSpec
    route: RouteSpec

    def fault(self, name: str, key: str, what: str, why: str, instead: str) -> Fault:
        return fault(("machines", name, *self.path, key), what, why, instead)


def _routes(machine: MachineSpec) -> Iterator[_Written]:
    """The routes of links that are in no bond and no bridge: routes of the others are refused where they are joined."""
    joined = {**machine.nics.bonded, **machine.nics.bridged}
    for kind, name, link in machine.nics.every():
        for index, route in enumerate(link.routes if name not in joined else ()):
            yield _Written(machine, ("nics", kind, name, "routes", str(index)), link, route)


@check("network")
def routes_lead_somewhere(p: Platform) -> Iterator[Fault]:
    """Each route has a router in the link's network and a destination that is not nearer another way, and is unique."""
    overlaps = Overlaps(p)
    for name, machine in p.declared.items():
        owners: dict[tuple[IpNetwork, int], str] = {}
        for written in _routes(machine):
            faults = [*_destination(p, name, written, overlaps), *_router(p, name, written)]
            yield from faults
            route = written.route
            way = (route.to, route.metric or DEFAULT_METRIC)
            if way in owners and not faults:
                yield written.fault(
                    name,
                    "metric",
                    f"{way[1]} is also the metric of {owners[way]} to {route.to}",
                    "with equal metrics, it is undefined which of the two the kernel takes",
                    "use different metrics; the kernel takes the lower one",
                )
            owners.setdefault(way, ".".join(written.path))


def _destination(p: Platform, name: str, written: _Written, overlaps: Overlaps) -> Iterator[Fault]:
    to = written.route.to
    if to.prefixlen == 0:
        behind = f"write the networks behind {written.route.via or 'the link'}"
        yield written.fault(
            name,
            "to",
            f"{to} is a second default route",
            "packets would leave by either of the two",
            behind if p.network.gateway else f"set network.gateway instead, or {behind}",
        )
        return
    if to.is_multicast or to.is_loopback or to.is_link_local:
        yield written.fault(
            name, "to", f"{to} can't be routed", "such packets never leave the link or the machine", "remove the route"
        )
        return
    for key, network in overlaps.of(to):
        yield written.fault(
            name,
            "to",
            f"{to} overlaps network.{key} {network}",
            "packets to machines, pods or services would leave by this link",
            "write networks that do not overlap it",
        )
        return
    for kind, link, spec in written.machine.nics.every():
        if spec.address and _is_in(to, spec.address.network):
            yield written.fault(
                name,
                "to",
                f"{to} is in {spec.address.network}, in which nics.{kind}.{link} has an address",
                "its hosts are reached directly, without a router",
                "remove the route, or write a network outside it",
            )
            return


def _is_in(inner: IpNetwork, outer: IpNetwork) -> bool:
    return inner.version == outer.version and inner.prefixlen >= outer.prefixlen and inner.network_address in outer


def _router(p: Platform, name: str, written: _Written) -> Iterator[Fault]:
    via, path = written.route.via, ".".join(written.path[:3])
    if via is None or written.route.on_link:
        yield from _on_link(name, written)
        return
    # A router in a network that is on the link is reached directly as well.
    if any(route.on_link and via in route.to for route in written.link.routes):
        return
    if via.version != written.route.to.version:
        yield written.fault(
            name,
            "via",
            f"{via} is an IPv{via.version} address, but to is {written.route.to}",
            "a router passes packets of its own IP version",
            f"write the router's IPv{written.route.to.version} address",
        )
        return
    own = _own_network(p, written)
    if own is None:
        yield written.fault(
            name,
            "via",
            f"{via} can't be reached from {path}, which has no address",
            "a router must be in the link's own network",
            f"set {path}.address",
        )
    elif via not in own:
        yield written.fault(
            name,
            "via",
            f"{via} is outside {own}, the network of {path}",
            "a router must be in the link's own network",
            f"write a host of {own}",
        )
    else:
        yield from _another_host(name, written, own)


def _own_network(p: Platform, written: _Written) -> IpNetwork | None:
    """The network of the link's address, which is the machine's on the link that carries it; None without one."""
    machine, address, version = written.machine, written.link.address, written.route.to.version
    carrier = machine.nics.carrier(machine.boot_link) if machine.boot_link else None
    if written.path[2] == carrier:
        return p.network.of(next((a for a in machine.addresses if a.version == version), machine.address))
    return address.network if address else None


def _another_host(name: str, written: _Written, own: IpNetwork) -> Iterator[Fault]:
    """Another host of the link's own network."""
    machine, address, via = written.machine, written.link.address, written.route.via
    if via in ends(own):
        yield written.fault(
            name,
            "via",
            f"{via} is the network address or the broadcast address of {own}",
            "no router can have it",
            f"write another host of {own}",
        )
    elif via in machine.addresses or (address is not None and via == address.ip):
        yield written.fault(
            name,
            "via",
            f"{via} is the machine's own address",
            "the machine would send the packets to itself",
            "write the router's address",
        )


def _on_link(name: str, written: _Written) -> Iterator[Fault]:
    """A route has a router, or its network is on the link."""
    via = written.route.via
    if via is None and not written.route.on_link:
        yield written.fault(
            name,
            "via",
            "is missing",
            "packets need a router, or a network that is on the link itself",
            "write the router's address, or on_link: true without via",
        )
    elif via is not None:
        yield written.fault(
            name,
            "via",
            f"is {via}, but on_link is true",
            "hosts on the link are reached without a router",
            "remove one of the two; for a router outside of the link's network, add a route to it that is on_link",
        )
