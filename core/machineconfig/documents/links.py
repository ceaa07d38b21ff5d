"""A machine's network links as documents: aliases, bonds, VLANs, bridges, their routes, and its own address."""

from collections.abc import Iterator
from typing import Any

from core.model import MachineSpec, Platform
from core.model.nics import JoinedSpec, RouteSpec

from .document import Document, document

# How often a bond checks its links, and how long a link must be up or down before the bond acts on it: milliseconds.
BOND_WATCH = {"miimon": 100, "updelay": 200, "downdelay": 200}
# LACP: packets of one connection take one link, and different connections take different links.
LACP = {"xmitHashPolicy": "layer3+4", "lacpRate": "slow"}


def links(platform: Platform, machine: MachineSpec) -> Iterator[Document]:
    """Every link of a machine, its DHCP client, and on control planes the virtual IP of the Kubernetes API.

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
    if _needs_dhcp(platform, machine):
        yield document("DHCPv4Config", name=carrier)
    for name, link in nics.links.items():
        if name != boot and name not in nics.bonded:
            yield document("LinkConfig", name=name, up=True, **_settings(platform, machine, name, carrier, link))
    yield from _joined(platform, machine, carrier)
    if machine.role == "controlplane":
        yield document("Layer2VIPConfig", name=str(platform.network.endpoint), link=carrier)


def _aliases(machine: MachineSpec, boot: str) -> Iterator[Document]:
    """A name for each link that the stack file knows by its MAC address."""
    if machine.link is None:
        yield _alias(boot, str(machine.mac))
    yield from (_alias(name, link.mac) for name, link in machine.nics.links.items() if link.mac and name != boot)


def _needs_dhcp(platform: Platform, machine: MachineSpec) -> bool:
    """Whether a DHCP client needs a document: any document of a link ends Talos' DHCP on all links."""
    has_documents = machine.nics.configured or (machine.role == "controlplane" and machine.link is None)
    return platform.network.gateway is None and bool(has_documents)


def _joined(platform: Platform, machine: MachineSpec, carrier: str) -> Iterator[Document]:
    """Bonds, VLANs and bridges, in the order in which they are built on each other."""
    nics = machine.nics
    for name, bond in nics.bonds.items():
        lacp = LACP if bond.mode == "802.3ad" else {}
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
    """The machine's own address and its default route; neither where DHCP assigns them."""
    net = platform.network
    if net.gateway is None:
        return [], []
    return [{"address": f"{machine.address}/{net.nodes.prefixlen}"}], [{"gateway": str(net.gateway)}]


def _route(route: RouteSpec) -> Document:
    metric = {"metric": route.metric} if route.metric else {}
    return {"destination": str(route.to), "gateway": str(route.via), **metric}


def _alias(name: str, mac: str) -> Document:
    return document("LinkAliasConfig", name=name, selector={"match": f'mac(link.permanent_addr) == "{mac}"'})
