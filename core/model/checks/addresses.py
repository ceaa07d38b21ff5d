"""The addresses of machines and gateways, and the virtual IP: each in a node network, and free."""

from collections.abc import Iterator

from core.facts.networks import IpAddress, ends, kept_for
from core.model.faults import Fault, fault
from core.model.platform import Platform

from .networks import networks
from .registry import check


def shown(p: Platform, address: IpAddress | None = None) -> str:
    """The node networks for messages: those of an address's IP version, or all if there is none of it."""
    same = [network for network in p.network.nodes if address and network.version == address.version]
    return " or ".join(map(str, same or p.network.nodes))


def end_of(p: Platform, address: IpAddress) -> tuple[str, str] | None:
    """What no host can have: "the broadcast address", and its node network. None for other addresses."""
    network = p.network.of(address)
    what = ends(network).get(address) if network else None
    return (what, str(network)) if what else None


@check("network")
def machines_are_in_their_network(p: Platform) -> Iterator[Fault]:
    """Every machine has an address that a host of network.nodes can have, or one that the site's DHCP routes."""
    for name, machine in p.declared.items():
        for key in ("address", "ipv6"):
            address, path = getattr(machine, key), ("machines", name, key)
            if address is None:
                continue
            if p.network.of(address) is None:
                yield from _behind_routers(p, path, address, machine.role == "controlplane")
            elif end := end_of(p, address):
                yield fault(
                    path,
                    f"{address} is {end[0]} of network.nodes {end[1]}",
                    "no machine can have it",
                    f"use another address of {end[1]}",
                )


def _behind_routers(p: Platform, path: tuple[str, ...], address: IpAddress, plane: bool) -> Iterator[Fault]:
    """A machine outside of the node networks has its address from DHCP, and shares no virtual IP."""
    if p.network.gateway or (plane and p.vip is not None):
        yield fault(
            path,
            f"{address} is outside network.nodes {shown(p, address)}",
            "the machines could not reach each other",
            f"use an address of {shown(p, address)}, or add its network to network.nodes if it is behind a router",
        )
        return
    if p.boot and p.boot.provisioning and p.boot.provisioning.dhcp == "full":
        yield fault(
            path,
            f"{address} is outside network.nodes {shown(p, address)}",
            "the generated DHCP server gives addresses of these networks alone",
            "add its network to network.nodes, or write boot.provisioning.dhcp: proxy",
        )
        return
    inside = next((f"network.{key} {network}" for key, network in networks(p) if address in network), None)
    if found := inside or kept_for(address):
        yield fault(
            path,
            f"{address} is in {found}",
            "no machine is reached there",
            f"use an address of {shown(p, address)}, or of another network of the site",
        )


@check("network")
def machines_have_the_platforms_version(p: Platform) -> Iterator[Fault]:
    """A machine's address is of the IP version that Kubernetes puts first; ipv6 is for platforms with both."""
    first = p.network.services[0].version
    # Services with IPv6 first are reported as such, and so is an address outside of the networks of the site.
    reversed_ = first == 6 and len({network.version for network in p.network.services}) > 1
    for name, machine in p.declared.items():
        outside = p.network.of(machine.address) is None and (p.network.gateway or kept_for(machine.address))
        if machine.address.version != first and not reversed_ and not outside:
            yield fault(
                ("machines", name, "address"),
                f"{machine.address} is an IPv{machine.address.version} address, "
                f"but network.services is IPv{first}{' first' if p.network.dual_stack else ''}",
                "nodes are known to Kubernetes by addresses of that IP version",
                f"write the machine's IPv{first} address"
                + (", and this one under ipv6" if first == 4 and 6 in p.network.families else ""),
            )
        if machine.ipv6 is not None and (machine.ipv6.version != 6 or machine.address.version == 6):
            yield fault(
                ("machines", name, "ipv6"),
                f"is {machine.ipv6}, besides the address {machine.address}",
                "it is the second address of a machine whose address is of IPv4",
                "write an IPv6 address here and an IPv4 address there, or remove it",
            )


@check("network")
def gateways_lead_out_of_a_network(p: Platform) -> Iterator[Fault]:
    """Each gateway is a host of one node network, and each network has one gateway at most."""
    net = p.network
    found: dict[object, IpAddress] = {}
    for gateway in net.gateway:
        network = net.of(gateway) or (6 if gateway.is_link_local and 6 in net.families else None)
        if network is None:
            yield fault(
                ("network", "gateway"),
                f"{gateway} is outside network.nodes {shown(p, gateway)}",
                "machines reach their gateway only within their own network",
                f"use an address of {shown(p, gateway)}",
            )
        elif (end := end_of(p, gateway)) and gateway.version == 4:
            yield fault(
                ("network", "gateway"),
                f"{gateway} is {end[0]} of network.nodes {end[1]}",
                "no router can have it",
                f"use another address of {end[1]}",
            )
        elif network in found:
            yield fault(
                ("network", "gateway"),
                f"{gateway} is a second gateway of {network}, besides {found[network]}",
                "a machine has one default route",
                "write one of the two",
            )
        found.setdefault(network, gateway)


@check("network")
def routed_networks_have_gateways(p: Platform) -> Iterator[Fault]:
    """Of several networks of one IP version, all that have a machine have a gateway, or none of them has one."""
    net = p.network
    for version in net.families:
        used = {net.of(address) for address in p.addresses() if address.version == version} - {None}
        without = sorted(str(network) for network in used if not net.gateway_of(network))
        if without and len(without) < len(used):
            yield fault(
                ("network", "gateway"),
                f"has none for {' and '.join(without)}",
                "machines there would get no static address, and those of the other networks would",
                "write one gateway for each node network, or none and reserve all addresses in DHCP",
            )


@check("network")
def virtual_ip_is_shared_by_control_planes(p: Platform) -> Iterator[Fault]:
    """The virtual IP is a free address of the one node network that all control planes are in."""
    net, vip = p.network, p.vip
    if vip is None:
        return
    key = "endpoint" if net.vip is None else "vip"
    owners = p.addresses() | dict.fromkeys(net.gateway, "the gateway")
    home = net.of(vip)
    homes = {n: {net.of(a) for a in m.addresses} for n, m in p.declared.items() if m.role == "controlplane"}
    # A machine outside of all node networks is reported as such.
    away = [name for name, networks in homes.items() if home not in networks and None not in networks]
    # An endpoint with another owner is reported as such.
    if vip in owners and key == "vip":
        yield fault(
            ("network", key),
            f"{vip} is the address of {owners[vip]}",
            "the control planes share the virtual IP, and packets to it would reach either of the two",
            f"use a free address of {shown(p, vip)}",
        )
    elif home is None:
        yield fault(
            ("network", key),
            f"{vip} is outside network.nodes {shown(p, vip)}",
            "the virtual IP is announced on the node network",
            f"use an address of {shown(p, vip)}",
        )
    elif end := end_of(p, vip):
        yield fault(
            ("network", key),
            f"{vip} is {end[0]} of network.nodes {end[1]}",
            "no machine can have it",
            f"use another address of {end[1]}",
        )
    elif away:
        yield fault(
            ("network", key),
            f"{vip} is in {home}, and {' and '.join(away)} {'is' if len(away) == 1 else 'are'} not",
            "a virtual IP moves only within one layer 2 network",
            "put all control planes in its network, or a load balancer in front of them and write vip: none",
        )


@check("talos", "network")
def control_planes_share_a_layer_2(p: Platform) -> Iterator[Fault]:
    """The virtual IP moves between control planes, so all of them are in one site."""
    sites = sorted({site for name in p.controlplanes if (site := p.machines[name].location.site)})
    if len(sites) > 1 and p.vip is not None:
        yield fault(
            ("network", "endpoint" if p.network.vip is None else "vip"),
            f"is shared by control planes in {' and '.join(sites)}",
            "a virtual IP can only move within one layer 2 network, and a site is taken for one",
            "put the control planes in one site, or write one location.site for all if a layer 2 network "
            "spans the sites",
        )
