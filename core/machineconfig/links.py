"""A machine's links as Talos documents: aliases, bonds, VLANs, bridges, routes, and where its own address is. Pure."""

from collections.abc import Iterator
from typing import Any

from core.model import MachineSpec, Platform
from core.model.nics import Joined, Route

# How often a link is looked at, and how long it must be up or down before a bond believes it, in milliseconds.
BOND_WATCH = {"miimon": 100, "updelay": 200, "downdelay": 200}
# LACP: packets of one connection take one link, and different ones different links.
LACP = {"xmitHashPolicy": "layer3+4", "lacpRate": "slow"}

Document = dict[str, Any]


def documents(platform: Platform, machine: MachineSpec) -> Iterator[Document]:
    """Every link with what is said of it, and on control planes the API's virtual IP."""
    boot, nics = machine.boot_link, machine.nics
    if boot is None:
        return
    if machine.link is None:
        yield _alias(boot, str(machine.mac))
    yield from (_alias(name, link.mac) for name, link in nics.links.items() if link.mac and name != boot)
    # The boot link, or the bond or bridge that it is in: there the machine has its own address.
    carrier = nics.carrier(boot)
    own = _own(platform, machine)

    def said(name: str, each: Joined | None) -> Document:
        """What links of all kinds have in common, as far as it is said."""
        ways = [*(own["routes"] if own and name == carrier else ()), *map(_route, each.routes if each else ())]
        at = (
            own.get("addresses")
            if name == carrier
            else [{"address": str(each.address)}]
            if each and each.address
            else None
        )
        return {
            **({"mtu": each.mtu} if each and each.mtu else {}),
            **({"addresses": at} if at else {}),
            **({"routes": ways} if ways else {}),
        }

    if boot not in nics.bonded:
        # With nothing said of it, Talos brings it up by itself.
        if more := said(boot, nics.links.get(boot)):
            yield _document("LinkConfig", name=boot, up=True, **more)
    if not own and (nics.configured or (machine.role == "controlplane" and machine.link is None)):
        # Any link document ends Talos' DHCP on all links, so it must be asked for.
        yield _document("DHCPv4Config", name=carrier)
    for name, link in nics.links.items():
        if name != boot and name not in nics.bonded:
            yield _document("LinkConfig", name=name, up=True, **said(name, link))
    for name, bond in nics.bonds.items():
        lacp = LACP if bond.mode == "802.3ad" else {}
        yield _document(
            "BondConfig",
            name=name,
            links=list(bond.links),
            bondMode=bond.mode,
            **BOND_WATCH,
            **lacp,
            up=True,
            **said(name, bond),
        )
    for name, vlan in nics.vlans.items():
        yield _document("VLANConfig", name=name, vlanID=vlan.id, parent=vlan.parent, up=True, **said(name, vlan))
    for name, bridge in nics.bridges.items():
        # Else it has the lowest MAC of its links: another one with each guest that comes, and another address by DHCP.
        mac = {"hardwareAddr": machine.mac} if name == carrier and machine.mac else {}
        switch = {"stp": {"enabled": bridge.stp}, "vlan": {"filtering": bridge.vlan_filtering}}
        yield _document(
            "BridgeConfig", name=name, links=list(bridge.links), **mac, **switch, up=True, **said(name, bridge)
        )
    if machine.role == "controlplane":
        yield _document("Layer2VIPConfig", name=str(platform.network.endpoint), link=carrier)


def _own(platform: Platform, machine: MachineSpec) -> Document:
    """The machine's own address and its way out; nothing where DHCP says them."""
    net = platform.network
    if net.gateway is None:
        return {}
    return {
        "addresses": [{"address": f"{machine.address}/{net.nodes.prefixlen}"}],
        "routes": [{"gateway": str(net.gateway)}],
    }


def _route(route: Route) -> Document:
    return {
        "destination": str(route.to),
        "gateway": str(route.via),
        **({"metric": route.metric} if route.metric else {}),
    }


def _alias(name: str, mac: str) -> Document:
    return _document("LinkAliasConfig", name=name, selector={"match": f'mac(link.permanent_addr) == "{mac}"'})


def _document(kind: str, **fields: Any) -> Document:
    return {"apiVersion": "v1alpha1", "kind": kind, **fields}
