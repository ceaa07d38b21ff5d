"""A machine's links as Talos documents: aliases, bonds, VLANs, and where its own address is. Pure."""

from collections.abc import Iterator
from typing import Any

from components.platform import Machine, Platform

# How often a link is looked at, and how long it must be up or down before a bond believes it, in milliseconds.
BOND_WATCH = {"miimon": 100, "updelay": 200, "downdelay": 200}
# LACP: packets of one connection take one link, and different ones different links.
LACP = {"xmitHashPolicy": "layer3+4", "lacpRate": "slow"}

Document = dict[str, Any]


def documents(platform: Platform, machine: Machine) -> Iterator[Document]:
    """Every link with what is said of it, and on control planes the API's virtual IP."""
    boot, nics = machine.boot_link, machine.nics
    if boot is None:
        return
    if machine.link is None:
        yield _alias(boot, str(machine.mac))
    yield from (_alias(name, link.mac) for name, link in nics.links.items() if link.mac and name != boot)
    # The boot link, or the bond that it is in: there the machine has its own address.
    carrier = nics.bonded.get(boot, boot)
    own = _own(platform, machine)
    if carrier == boot:
        said = {**_said(nics.links.get(boot)), **own}
        if said:
            yield _document("LinkConfig", name=boot, up=True, **said)
    others = bool(nics.links or nics.bonds or nics.vlans)
    if not own and (others or (machine.role == "controlplane" and machine.link is None)):
        # Any link document ends Talos' DHCP on all links, so it must be asked for.
        yield _document("DHCPv4Config", name=carrier)
    for name, link in nics.links.items():
        if name != boot and name not in nics.bonded:
            yield _document("LinkConfig", name=name, up=True, **_said(link))
    for name, bond in nics.bonds.items():
        lacp = LACP if bond.mode == "802.3ad" else {}
        said = {**_said(bond), **(own if name == carrier else {})}
        yield _document("BondConfig", name=name, links=list(bond.links), bondMode=bond.mode, **BOND_WATCH, **lacp, up=True, **said)
    for name, vlan in nics.vlans.items():
        yield _document("VLANConfig", name=name, vlanID=vlan.id, parent=vlan.parent, up=True, **_said(vlan))
    if machine.role == "controlplane":
        yield _document("Layer2VIPConfig", name=str(platform.network.endpoint), link=carrier)


def _own(platform: Platform, machine: Machine) -> Document:
    """The machine's own address and its way out; nothing where DHCP says them."""
    net = platform.network
    if net.gateway is None:
        return {}
    return {"addresses": [{"address": f"{machine.address}/{net.nodes.prefixlen}"}], "routes": [{"gateway": str(net.gateway)}]}


def _said(each: Any) -> Document:
    """What links, bonds and VLANs have in common, as far as it is said."""
    mtu, address = getattr(each, "mtu", None), getattr(each, "address", None)
    return {**({"mtu": mtu} if mtu else {}), **({"addresses": [{"address": str(address)}]} if address else {})}


def _alias(name: str, mac: str) -> Document:
    return _document("LinkAliasConfig", name=name, selector={"match": f'mac(link.permanent_addr) == "{mac}"'})


def _document(kind: str, **fields: Any) -> Document:
    return {"apiVersion": "v1alpha1", "kind": kind, **fields}
