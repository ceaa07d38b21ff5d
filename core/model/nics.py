"""A machine's links besides the one that it boots from: bonds, VLANs, bridges, their routes and packet sizes."""

from collections.abc import Iterator
from ipaddress import IPv4Interface
from typing import Annotated, Literal

from pydantic import Field

from .addresses import Address, HostAddress, Mac, Network
from .types import ByName, LinkName, Model

BOOT_LINK = "lan0"
"""Name of the link that a machine boots from, where it is found by its MAC."""
DEFAULT_MTU = 1500
"""Bytes of the largest packet on a link without an mtu."""


Mtu = Annotated[int, Field(ge=1280, le=9216, strict=True)]


class RouteSpec(Model):
    """A network that is reached over this link. The default route is network.gateway."""

    to: Network = Field(examples=["10.50.0.0/16"])
    via: Address = Field(examples=["10.30.0.1"])
    """A router in the link's own network."""
    metric: Annotated[int, Field(ge=1, le=4_294_967_295, strict=True)] | None = None
    """Of two routes to one network, the kernel takes the one with the lower metric. Unset: 1024."""


class JoinedSpec(Model):
    """What links of every kind have in common."""

    mtu: Mtu | None = None
    """Bytes of the largest packet. Unset: 1500."""
    address: HostAddress | None = None
    """Address with its prefix. Unset: the link is up and has no address."""
    routes: tuple[RouteSpec, ...] = ()
    """Networks that are reached over this link."""


class LinkSpec(JoinedSpec):
    """A NIC. With a MAC it gets the name that it has here; without one, the name must be the kernel's."""

    mac: Mac | None = None
    """Unset: the NIC is found by its kernel name."""


class BondSpec(JoinedSpec):
    """Several links used as one. If the boot link is one of them, the bond has the machine's own address."""

    links: tuple[LinkName, ...] = Field(min_length=1, examples=["[lan0, data0]"])
    """Names of links:, or lan0, the boot link."""
    mode: Literal["802.3ad", "active-backup", "balance-xor", "balance-tlb", "balance-alb"] = "802.3ad"
    """802.3ad is LACP, which the switch must be configured for. active-backup works with any switch."""
    mtu: Mtu | None = None
    """Bytes of the largest packet, on the bond and on its links."""


class VlanSpec(JoinedSpec):
    """A tagged network over a link, a bond or a bridge."""

    parent: LinkName = Field(examples=["bond0"])
    id: Annotated[int, Field(ge=1, le=4094, strict=True)] = Field(examples=["100"])
    mtu: Mtu | None = None
    """Bytes of the largest packet, at most the parent's."""


class BridgeSpec(JoinedSpec):
    """A switch inside the machine, to which VMs can be connected. If it contains the boot link, or the bond with the
    boot link, the bridge has the machine's own address."""

    links: tuple[LinkName, ...] = Field(default=(), examples=["[bond0]"])
    """Names of links:, bonds: or vlans:, or lan0, the boot link. Empty: the bridge has no connection to the outside."""
    stp: bool = False
    """Speak the spanning tree protocol, which is required where two of its links lead to one network. Packets then
    pass only 30 seconds after the bridge is up."""
    vlan_filtering: bool = False
    """Separate tagged networks, according to the VLANs that are set at each port of the bridge."""
    mtu: Mtu | None = None
    """Bytes of the largest packet, at most the smallest mtu of its links."""


LINK_KINDS = ("links", "bonds", "vlans", "bridges")
"""The kinds of links; each kind is made of those before it."""


class NicsSpec(Model):
    """Links besides the boot link, by name: at most 15 characters, and each name once per machine."""

    links: ByName[LinkName, LinkSpec] = Field(default={}, validate_default=True)
    bonds: ByName[LinkName, BondSpec] = Field(default={}, validate_default=True)
    vlans: ByName[LinkName, VlanSpec] = Field(default={}, validate_default=True)
    bridges: ByName[LinkName, BridgeSpec] = Field(default={}, validate_default=True)

    @property
    def configured(self) -> bool:
        """Whether there is a link of any kind."""
        return any(getattr(self, kind) for kind in LINK_KINDS)

    @property
    def bonded(self) -> dict[str, str]:
        """The links in bonds: name of the link (key) to name of the bond."""
        return {link: name for name, bond in self.bonds.items() for link in bond.links}

    @property
    def bridged(self) -> dict[str, str]:
        """The links, bonds and VLANs in bridges: their name (key) to name of the bridge."""
        return {link: name for name, bridge in self.bridges.items() for link in bridge.links}

    def carrier(self, boot: str) -> str:
        """Name of what has the machine's own address: the boot link, its bond, or the bridge of either.

        boot: name of the boot link.
        """
        outer = self.bonded.get(boot, boot)
        return self.bridged.get(outer, outer)

    def every(self) -> Iterator[tuple[str, str, JoinedSpec]]:
        """Each link as kind, name and spec."""
        for kind in LINK_KINDS:
            yield from ((kind, name, spec) for name, spec in getattr(self, kind).items())

    def addresses(self) -> Iterator[tuple[tuple[str, str], IPv4Interface]]:
        """Every address as ((kind, name), address)."""
        yield from (((kind, name), spec.address) for kind, name, spec in self.every() if spec.address)
