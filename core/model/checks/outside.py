"""Servers outside of the platform that the stack file names by their address: no machine's, and not in the cluster."""

from collections.abc import Iterator

from core.credentials.hosts import host_of
from core.facts.addresses import same_host
from core.facts.networks import IpAddress
from core.model.addresses import ip
from core.model.faults import Fault, fault
from core.model.platform import Platform

from .networks import networks
from .registry import check

Path = tuple[str, ...]


def _texts(p: Platform) -> Iterator[tuple[Path, str]]:
    """Each server that machines need before the cluster runs, or that powers them: the place, and its host or URL."""
    yield from ((("network", "resolvers", str(i)), str(server)) for i, server in enumerate(p.network.resolvers))
    yield from ((("network", "time", str(i)), server) for i, server in enumerate(p.network.time))
    if p.boot:
        yield ("boot", "matchbox", "endpoint"), p.boot.matchbox.endpoint
        if p.boot.provisioning:
            yield ("boot", "provisioning", "http"), p.boot.provisioning.http
        if p.boot.assets:
            yield ("boot", "assets"), p.boot.assets
    if p.talos.kms:
        yield ("talos", "kms"), p.talos.kms
    store = p.talos.snapshots.to
    if store and store.nfs:
        yield ("talos", "snapshots", "to", "nfs", "server"), store.nfs.server
    for name, machine in p.declared.items():
        if machine.bmc:
            yield ("machines", name, "bmc", "url"), machine.bmc.url


def outside_servers(p: Platform) -> Iterator[tuple[Path, IpAddress]]:
    """The place and the address of each of these servers that is named by its address."""
    for path, text in _texts(p):
        if address := ip(text) or ip(host_of(text)):
            yield path, address


def outside_addresses(p: Platform) -> Iterator[tuple[IpAddress, str]]:
    """The address of each of these servers, and its place as a text: network.resolvers.0."""
    yield from ((address, ".".join(path)) for path, address in outside_servers(p))


@check("network")
def servers_are_not_machines(p: Platform) -> Iterator[Fault]:
    """No such server has a machine's address, or the virtual IP of the Kubernetes API."""
    owners = {address: f"the address of {name}" for address, name in p.addresses().items()}
    for name, machine in p.declared.items():
        owners |= {address.ip: f"an address of {name}" for _, address in machine.nics.addresses()}
    if p.vip:
        owners[p.vip] = "the virtual IP of the Kubernetes API"
    for path, address in outside_servers(p):
        if address in owners:
            yield fault(
                path,
                f"{address} is {owners[address]}",
                "Talos serves nothing of that kind, and the server must answer before the machines run",
                "write the address of the server",
            )


@check("network")
def servers_are_not_in_the_cluster(p: Platform) -> Iterator[Fault]:
    """No such server is in the pod network or in the service network."""
    for path, address in outside_servers(p):
        for key, network in networks(p):
            # Where it is in a node network too, the two networks overlap.
            if key != "nodes" and address in network and not p.network.of(address):
                yield fault(
                    path,
                    f"{address} is in network.{key} {network}",
                    "such packets stay in the cluster, and machines need the server before the cluster runs",
                    f"write a server outside of it, or another network.{key}",
                )


@check("network")
def servers_are_listed_once(p: Platform) -> Iterator[Fault]:
    """No DNS server and no NTP server is written twice."""
    for key in ("resolvers", "time"):
        servers = [same_host(str(server)) for server in getattr(p.network, key)]
        for index, server in enumerate(servers):
            if server in servers[:index]:
                yield fault(
                    ("network", key, str(index)),
                    f"{server} is already in the list",
                    "a second entry adds no server",
                    "remove it, or write another server",
                )


@check("boot", "network")
def network_boot_is_ipv4(p: Platform) -> Iterator[Fault]:
    """Machines that boot from the network have an IPv4 address."""
    if p.boot and p.boot.provisioning and 4 not in p.network.families:
        yield fault(
            ("boot", "provisioning"),
            "is set, but network.nodes has no IPv4 network",
            "the generated DHCP server and iPXE's loaders of this platform speak IPv4",
            "add an IPv4 network to network.nodes, remove provisioning, or boot the machines by hand",
        )
