"""Talos' firewall: it drops every packet to a machine whose port is not open here.

It sits beneath Cilium and filters packets for the machine itself. Packets to pods, VMs and load balancer addresses
pass through Cilium, and live migration runs from pod to pod inside Cilium's tunnel.
"""

from collections.abc import Iterable, Iterator

from core.facts.networks import LINK_LOCAL
from core.model import MachineSpec, Platform
from core.model.ports import OwnPort, own_ports

from .document import Document, document
from .links import dhcp_versions

ANYWHERE = {4: "0.0.0.0/0", 6: "::/0"}
"""By IP version: the network that contains every address."""


def firewall(platform: Platform, machine: MachineSpec) -> Iterator[Document]:
    """Block by default, then open the platform's own ports and those of the stack file; nothing if it is off."""
    wanted = platform.talos.firewall
    if not wanted.enabled:
        return
    yield document("NetworkDefaultActionConfig", ingress="block")
    for port in own_ports(platform):
        if port.everywhere or machine.role == "controlplane":
            yield _rule(port.name, port.protocol, (port.ports,), sources(platform, port))
    if 6 in dhcp_versions(platform, machine):
        # The answers come from the server's link-local address, so they belong to no connection that is known.
        yield _rule("dhcpv6-client", "udp", ("546",), [str(LINK_LOCAL)])
    for name, opening in wanted.allow.items():
        yield _rule(f"allow-{name}", opening.protocol, opening.ports, map(str, opening.sources))


def sources(platform: Platform, port: OwnPort) -> list[str]:
    """The subnets that may reach a port: the nodes, the pods if it is open to them, and administrators of the APIs."""
    net, admins = platform.network, platform.talos.firewall.admins
    if port.admins and not admins:
        return [ANYWHERE[version] for version in net.families]
    others = (*(net.pods if port.pods else ()), *(admins if port.admins else ()))
    return [*platform.node_subnets, *map(str, others)]


def _rule(name: str, protocol: str, ports: Iterable[str], subnets: Iterable[str]) -> Document:
    return document(
        "NetworkRuleConfig",
        name=name,
        portSelector={"ports": [int(p) if p.isdigit() else p for p in ports], "protocol": protocol},
        ingress=[{"subnet": subnet} for subnet in subnets],
    )
