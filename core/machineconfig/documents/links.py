"""A machine's network links as documents: aliases, bonds, VLANs, bridges, their routes, and its own address."""

from collections.abc import Iterator
from typing import Any

from core.model import MachineSpec, Platform, vmnetworks
from core.model.nics import JoinedSpec, RouteSpec

from .document import Document, document

# How often a bond checks its links, and how long a link must be up or down before the bond acts on it: milliseconds.
BOND_WATCH = {"miimon": 100, "updelay": 200, "downdelay": 200}
# LACP: packets of one connection take one link, and different connections take different links.
LACP = {"xmitHashPolicy": "layer3+4"}
# Of the default routes that DHCP on a further link brings: higher than the own one, which has 1024.
# Source: siderolabs/talos, network.DefaultRouteMetric.
FURTHER_METRIC = 2048


def links(platform: Platform, name: str, machine: MachineSpec) -> Iterator[Document]:
    """Every link of a machine, its DHCP clients, and on control planes the virtual IP of the Kubernetes API.

    A machine whose boot link is not known has none of them.
    """
    boot, nics = machine.boot_link, machine.nics
    if boot is None:
        return
    # The machine's own address is on the boot link, or on the bond or bridge that the boot link belongs to.
    carrier = nics.carrier(boot)
    yield from _aliases(machine, boot)
    if boot not in nics.bonded:
        settings = _settings(platform, machine, boot, carrier, nics.links.get(boot))
        # Talos brings the boot link up by itself; only settings need a document.
        if settings:
            yield document("LinkConfig", name=boot, up=True, **settings)
    for_vms = list(_for_vms(platform, name))
    yield from _clients(platform, machine, carrier, configured=bool(for_vms))
    for other, link in nics.links.items():
        if other != boot and other not in nics.bonded:
            yield document("LinkConfig", name=other, up=True, **_settings(platform, machine, other, carrier, link))
    yield from _joined(platform, machine, carrier)
    yield from for_vms
    if machine.role == "controlplane" and platform.vip:
        yield document("Layer2VIPConfig", name=str(platform.vip), link=carrier)


def _aliases(machine: MachineSpec, boot: str) -> Iterator[Document]:
    """A name for each link that the stack file knows by what the hardware says of it."""
    for name, link in {boot: None, **machine.nics.links}.items():
        # The boot link's MAC is the machine's; with a name of the kernel's it needs none.
        mac = (machine.mac if machine.link is None else None) if name == boot else link.mac if link else None
        marks = {
            "mac(link.permanent_addr)": mac,
            "link.bus_path": link.bus_path if link else None,
            "link.driver": link.driver if link else None,
        }
        if match := " && ".join(f'{field} == "{value}"' for field, value in marks.items() if value):
            yield document("LinkAliasConfig", name=name, selector={"match": match})


def dhcp_versions(platform: Platform, machine: MachineSpec) -> list[int]:
    """The IP versions of the machine's own addresses for which it needs a DHCP client on its boot link."""
    net = platform.network
    if machine.boot_link is None:
        return []
    own = {address.version: address for address in machine.addresses}
    return [version for version in net.families if version not in own or not net.gateway_of(net.of(own[version]))]


def _clients(platform: Platform, machine: MachineSpec, carrier: str, *, configured: bool) -> Iterator[Document]:
    """The DHCP clients that need a document: any document of a link ends Talos' DHCP on all links.

    configured: other links than those of the machine's nics have documents.
    """
    versions = dhcp_versions(platform, machine)
    # Talos' own DHCP is of IPv4 alone. A static address of the other version is in a document of the link.
    has_documents = (
        configured
        or machine.nics.configured
        or len(platform.network.families) > 1
        or 6 in versions
        or (machine.role == "controlplane" and machine.link is None and platform.vip)
    )
    if 4 in versions and has_documents:
        yield document("DHCPv4Config", name=carrier)
    if 6 in versions:
        yield document("DHCPv6Config", name=carrier)
    for _, name, link in machine.nics.every():
        if link.dhcp:
            # The machine's own address and default route come first.
            yield document("DHCPv4Config", name=name, routeMetric=FURTHER_METRIC)


def _joined(platform: Platform, machine: MachineSpec, carrier: str) -> Iterator[Document]:
    """Bonds, VLANs and bridges, in the order in which they are built on each other."""
    nics = machine.nics
    for name, bond in nics.bonds.items():
        lacp = {**LACP, "lacpRate": bond.lacp_rate or "slow"} if bond.mode == "802.3ad" else {}
        parts = {"links": list(bond.links), "bondMode": bond.mode, **BOND_WATCH, **lacp}
        yield document("BondConfig", name=name, **parts, up=True, **_settings(platform, machine, name, carrier, bond))
    for name, vlan in nics.vlans.items():
        parts = {"vlanID": vlan.id, "parent": vlan.parent}
        yield document("VLANConfig", name=name, **parts, up=True, **_settings(platform, machine, name, carrier, vlan))
    for name, bridge in nics.bridges.items():
        # By default a bridge has the lowest MAC of its links, so each VM could change it, and with it the DHCP address.
        mac = {"hardwareAddr": machine.mac} if name == carrier and machine.mac else {}
        switch = {"stp": {"enabled": bridge.stp}, "vlan": {"filtering": bridge.vlan_filtering}}
        settings = _settings(platform, machine, name, carrier, bridge)
        yield document("BridgeConfig", name=name, links=list(bridge.links), **mac, **switch, up=True, **settings)


def _for_vms(platform: Platform, machine: str) -> Iterator[Document]:
    """A VLAN and a bridge for each VM network with a VLAN. Networks without one use a bridge of the machine's nics.

    A bridge with VLAN filtering would not do, because Talos can't let tagged packets through the bridge's own links.
    Source: siderolabs/talos v1.14.1, internal/app/machined/pkg/controllers/network/link_spec.go.
    """
    for name, network in vmnetworks.networks_of(platform, machine).items():
        if network.vlan is None:
            continue
        link = vmnetworks.vlan_of(name)
        yield document("VLANConfig", name=link, vlanID=network.vlan, parent=network.link, up=True, mtu=network.size)
        switch = {"stp": {"enabled": False}, "vlan": {"filtering": False}}
        bridge = vmnetworks.bridge_of(platform, name)
        yield document("BridgeConfig", name=bridge, links=[link], **switch, up=True, mtu=network.size)


def _settings(
    platform: Platform, machine: MachineSpec, name: str, carrier: str, link: JoinedSpec | None
) -> dict[str, Any]:
    """Field to value of what links of all kinds have in common: mtu, addresses and routes, each only if it is set."""
    routes = list(map(_route, link.routes if link else ()))
    addresses = [{"address": str(link.address)}] if link and link.address else []
    if name == carrier:
        addresses, own_routes = _own_address(platform, machine)
        routes = [*own_routes, *routes]
    values = {"mtu": link.mtu if link else None, "addresses": addresses, "routes": routes}
    return {field: value for field, value in values.items() if value}


def _own_address(platform: Platform, machine: MachineSpec) -> tuple[list[Document], list[Document]]:
    """The machine's own addresses and their default routes, without those that DHCP assigns."""
    addresses, routes = [], []
    for address in machine.addresses:
        network = platform.network.of(address)
        gateway = platform.network.gateway_of(network)
        if network and gateway:
            addresses.append({"address": f"{address}/{network.prefixlen}"})
            routes.append({"gateway": str(gateway)})
    return addresses, routes


def _route(route: RouteSpec) -> Document:
    via = {"gateway": str(route.via)} if route.via else {}
    metric = {"metric": route.metric} if route.metric else {}
    return {"destination": str(route.to), **via, **metric}
