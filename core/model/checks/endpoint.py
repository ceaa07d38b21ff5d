"""The address of the Kubernetes API: what it may be, and what it requires."""

from collections.abc import Iterator

from core.facts.networks import ends, kept_for
from core.facts.ports import KUBERNETES_API
from core.model.faults import Fault, fault
from core.model.platform import Platform

from .networks import networks
from .registry import check


@check("network")
def endpoint_stays_reachable(p: Platform) -> Iterator[Fault]:
    """The endpoint is no machine's address but the only control plane's, nor the gateway's."""
    net, address = p.network, p.network.endpoint.address
    if address is None:
        return
    owner = p.addresses().get(address)
    planes = [name for name, machine in p.declared.items() if machine.role == "controlplane"]
    if owner is not None and planes != [owner]:
        yield fault(
            ("network", "endpoint"),
            f"{address} is the address of {owner}",
            "the Kubernetes API would fail together with that machine, and a later move requires new certificates"
            if owner in planes
            else "the Kubernetes API runs on control planes alone",
            f"use a free address of {' or '.join(map(str, net.nodes))}",
        )
    elif address in net.gateway:
        yield fault(
            ("network", "endpoint"),
            f"{address} is the address of the gateway",
            "a virtual IP there would take over the packets of the whole network",
            f"use a free address of {' or '.join(map(str, net.nodes))}",
        )


@check("network")
def endpoint_is_outside_of_the_cluster(p: Platform) -> Iterator[Fault]:
    """The endpoint is no address of pods or services, which exist only after the API is reached."""
    address = p.network.endpoint.address
    if address is None or p.network.of(address):
        return
    for key, network in networks(p):
        if key != "nodes" and address in network:
            yield fault(
                ("network", "endpoint"),
                f"{address} is in network.{key} {network}",
                "it can only be reached from within the cluster, and machines need it before there are pods",
                "write an address of the node network, or that of a load balancer",
            )


@check("network")
def external_endpoint_is_a_host(p: Platform) -> Iterator[Fault]:
    """An endpoint that is no virtual IP can be a host's address."""
    net, address = p.network, p.network.endpoint.address
    network = net.of(address) if address else None
    if address and network is None and (kept := kept_for(address)):
        yield fault(
            ("network", "endpoint"),
            f"{address} is in {kept}",
            "no load balancer is reached there",
            f"use a free address of {' or '.join(map(str, net.nodes))}, or that of a load balancer",
        )
    if address and network and address != p.vip and (what := ends(network).get(address)):
        yield fault(
            ("network", "endpoint"),
            f"{address} is {what} of network.nodes {network}",
            "no load balancer can have it",
            f"use another address of {network}",
        )


@check("network")
def endpoint_port_is_served(p: Platform) -> Iterator[Fault]:
    """Another port than the control planes' own requires a load balancer that has it."""
    endpoint = p.network.endpoint
    own = endpoint.address is not None and (endpoint.address == p.vip or endpoint.address in p.addresses())
    if endpoint.port != KUBERNETES_API and own:
        yield fault(
            ("network", "endpoint"),
            f"has port {endpoint.port}, but control planes listen at {KUBERNETES_API}",
            "no API would answer there",
            f"write {endpoint.host} without a port, or the address of a load balancer that has port {endpoint.port}",
        )


@check("network")
def endpoint_name_can_be_resolved(p: Platform) -> Iterator[Fault]:
    """Machines with static addresses resolve the endpoint's name by the site's own DNS servers."""
    net = p.network
    if net.endpoint.address is None and net.gateway and not net.resolvers:
        yield fault(
            ("network", "resolvers"),
            f"is missing, but network.endpoint is the name {net.endpoint.host}",
            "without DHCP, machines ask Talos' default DNS servers in the internet, which don't know the site's names",
            "write the DNS servers that know the name",
        )


@check("network")
def virtual_ip_and_endpoint_agree(p: Platform) -> Iterator[Fault]:
    """An endpoint that is an address is the virtual IP, or a load balancer in front of it."""
    net = p.network
    address, vip = net.endpoint.address, net.vip
    if vip not in (None, "none") and address is not None and address != vip and net.of(address):
        yield fault(
            ("network", "vip"),
            f"is {vip}, but network.endpoint is {address}",
            "clients would ask another address of the node network than the one that the control planes share",
            f"write endpoint: {vip}, or remove vip",
        )
