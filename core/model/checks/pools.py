"""The pools of load balancer addresses: in a node network, and free of what the stack file gives to others."""

from collections.abc import Iterator

from core.facts.networks import IpAddress, ends
from core.model.faults import Fault, fault
from core.model.platform import Platform
from core.model.ranges import AddressRange

from .addresses import shown
from .outside import outside_addresses
from .registry import check

PATH = ("cilium", "load_balancer", "pool")


def _pools(p: Platform) -> tuple[AddressRange, ...]:
    return p.cilium.load_balancer.pool if p.cilium.load_balancer else ()


@check("network", "cilium")
def pools_are_in_a_node_network(p: Platform) -> Iterator[Fault]:
    """Both ends of each pool are in one node network, in which a machine can announce them."""
    if not _pools(p):
        return
    homes = {p.network.of(address) for machine in p.machines.values() for address in machine.addresses}
    versions = {address.version for address in p.addresses()}
    for pool in _pools(p):
        outside = [end for end in (pool.first, pool.last) if p.network.of(end) is None]
        for end in outside:
            yield fault(
                PATH,
                f"{end} is outside network.nodes {shown(p, end)}",
                "the addresses are announced on the node network",
                f"use addresses of {shown(p, end)}",
            )
        if outside:
            continue
        network = p.network.of(pool.first)
        if network != p.network.of(pool.last):
            yield fault(
                PATH,
                f"{pool} reaches from {network} into {p.network.of(pool.last)}",
                "an address is announced in its own network alone",
                "write a list with one pool for each network",
            )
        elif network not in homes and pool.first.version in versions:
            yield fault(
                PATH,
                f"{pool} is in {network}, in which no machine is",
                "an address is announced by a machine of its own network",
                "write addresses of a network with machines",
            )
        elif pool.first.version not in {pods.version for pods in p.network.pods}:
            yield fault(
                PATH,
                f"{pool} is of IPv{pool.first.version}, and network.services is not",
                "a Service has addresses of the cluster's own IP versions",
                "write addresses of the same IP version",
            )


@check("network", "cilium")
def pools_are_apart(p: Platform) -> Iterator[Fault]:
    """No two pools overlap."""
    pools = _pools(p)
    for index, pool in enumerate(pools):
        for other in pools[:index]:
            if pool.overlaps(other):
                yield fault(
                    PATH,
                    f"{pool} overlaps {other}",
                    "Cilium takes neither of two pools that overlap",
                    "write each address once",
                )


@check("network", "cilium")
def pools_are_free(p: Platform) -> Iterator[Fault]:
    """A pool contains no address that is in use."""
    owners: dict[IpAddress, str] = {}
    owners |= {address: f"the address of {where}" for address, where in outside_addresses(p)}
    for name, machine in p.declared.items():
        owners |= {address.ip: f"an address of {name}" for _, address in machine.nics.addresses()}
    owners |= dict.fromkeys(p.network.gateway, "the address of network.gateway")
    if p.network.endpoint.address:
        owners[p.network.endpoint.address] = "the address of network.endpoint"
    if p.vip and p.network.vip:
        owners[p.vip] = "the address of network.vip"
    owners |= {address: f"the address of {name}" for address, name in p.addresses().items()}
    for pool in _pools(p):
        network = p.network.of(pool.first)
        # A pool that leaves its network is reported as such.
        within = ends(network) if network and pool.last in network else {}
        taken = owners | {address: f"{what} of network.nodes {network}" for address, what in within.items()}
        for address in sorted((a for a in taken if a in pool), key=int):
            yield fault(
                PATH,
                f"{pool} contains {address}, {taken[address]}",
                "a Service that gets this address would take over its packets",
                "change the pool or that address",
            )
