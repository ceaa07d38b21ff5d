"""Networks and the addresses in them: of machines, of the Kubernetes API, of services."""

from collections.abc import Iterator
from itertools import combinations

from core.model.faults import Fault, fault
from core.model.platform import Platform

from .registry import check


@check("network")
def networks_are_disjoint(p: Platform) -> Iterator[Fault]:
    """No two of the networks of machines, pods and services overlap."""
    for a, b in combinations(("nodes", "pods", "services"), 2):
        left, right = getattr(p.network, a), getattr(p.network, b)
        if left.overlaps(right):
            yield fault(
                ("network", b),
                f"{right} overlaps network.{a} {left}",
                "packets to an address in both networks would reach the wrong one",
                "choose networks that do not overlap",
            )


@check("network")
def machines_are_in_their_network(p: Platform) -> Iterator[Fault]:
    """Every machine has an address that a host of network.nodes can have."""
    nodes = p.network.nodes
    reserved = {nodes.network_address: "the network address", nodes.broadcast_address: "the broadcast address"}
    for name, machine in p.declared.items():
        path = ("machines", name, "address")
        if machine.address not in nodes:
            yield fault(
                path,
                f"{machine.address} is outside network.nodes {nodes}",
                "the machines could not reach each other",
                f"use an address of {nodes}",
            )
        elif machine.address in reserved and nodes.prefixlen < 31:
            yield fault(
                path,
                f"{machine.address} is {reserved[machine.address]} of network.nodes {nodes}",
                "no machine can have it",
                f"use another address of {nodes}",
            )


@check("network")
def endpoint_and_gateway_are_in_the_network(p: Platform) -> Iterator[Fault]:
    """Machines reach the virtual IP and the gateway without a router."""
    nodes = p.network.nodes
    for key, why in (
        ("endpoint", "the virtual IP is announced on the node network"),
        ("gateway", "machines reach their gateway only within their own network"),
    ):
        address = getattr(p.network, key)
        if address is not None and address not in nodes:
            yield fault(
                ("network", key),
                f"{address} is outside network.nodes {nodes}",
                why,
                f"use an address of {nodes}",
            )


@check("network")
def endpoint_is_free(p: Platform) -> Iterator[Fault]:
    """The virtual IP is no address of a machine or of the gateway."""
    owners = p.addresses() | ({p.network.gateway: "the gateway"} if p.network.gateway else {})
    if p.network.endpoint in owners:
        yield fault(
            ("network", "endpoint"),
            f"{p.network.endpoint} is the address of {owners[p.network.endpoint]}",
            "the Kubernetes API would fail together with that machine, and a later move requires new certificates",
            f"use a free address of {p.network.nodes}",
        )


@check("network", "cilium")
def load_balancer_pool_is_free(p: Platform) -> Iterator[Fault]:
    """The pool is in the node network and contains no address that is in use."""
    balancer = p.cilium.load_balancer
    if balancer is None:
        return
    path = ("cilium", "load_balancer", "pool")
    for end in (balancer.pool.first, balancer.pool.last):
        if end not in p.network.nodes:
            yield fault(
                path,
                f"{end} is outside network.nodes {p.network.nodes}",
                "the addresses are announced on the node network",
                f"use addresses of {p.network.nodes}",
            )
    owners = p.addresses() | {p.network.endpoint: "network.endpoint"}
    if p.network.gateway:
        owners[p.network.gateway] = "network.gateway"
    for address in sorted(owners):
        if address in balancer.pool:
            yield fault(
                path,
                f"{balancer.pool} contains {address}, the address of {owners[address]}",
                "a Service that gets this address would take over its packets",
                "change the pool or that address",
            )


@check("talos", "network")
def control_planes_share_a_layer_2(p: Platform) -> Iterator[Fault]:
    """The virtual IP moves between control planes, so all of them are in one site."""
    sites = sorted({site for name in p.controlplanes if (site := p.machines[name].location.site)})
    if len(sites) > 1:
        yield fault(
            ("network", "endpoint"),
            f"is shared by control planes in {' and '.join(sites)}",
            "a virtual IP can only move within one layer 2 network, and a site is taken for one",
            "put the control planes in one site, or write one location.site for all if a layer 2 network "
            "spans the sites",
        )
