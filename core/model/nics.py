"""A machine's links besides the one that it boots from: bonds, VLANs, bridges, their routes and packet sizes."""

from collections.abc import Iterator
from ipaddress import IPv4Interface, IPv6Interface
from typing import Annotated, Literal

from pydantic import Field

from .addresses import Address, HostAddress, Mac, Network
from .pattern import Pattern
from .types import ByName, LinkName, Model

BOOT_LINK = "lan0"
"""Name of the link that a machine boots from, where it is found by its MAC."""
DEFAULT_MTU = 1500
"""Bytes of the largest packet on a link without an mtu."""


# Source: Linux, include/net/ip.h: at most 65535 bytes; drivers/net/thunderbolt and IP over InfiniBand carry 65520.
Mtu = Annotated[int, Field(ge=1280, le=65520, strict=True)]
"""Bytes of a packet. Ethernet carries up to about 9216, Thunderbolt and InfiniBand up to 65520."""

BusPath = Annotated[
    str,
    Pattern(
        r"[0-9A-Za-z][0-9A-Za-z.:_-]{0,62}",
        "the bus path of a NIC",
        "the link at that place of the machine gets the name",
        "write what talosctl get links -o yaml shows as busPath, e.g. 0000:65:00.0",
    ),
]
Driver = Annotated[
    str,
    Pattern(
        r"[0-9A-Za-z][0-9A-Za-z_-]{0,30}",
        "the name of a driver",
        "the link that it drives gets the name",
        "write what talosctl get links -o yaml shows as driver, e.g. mlx5_core",
    ),
]


class RouteSpec(Model):
    """A network that is reached over this link: over a router, or on the link itself. The default route is
    network.gateway."""

    to: Network = Field(examples=["10.50.0.0/16"])
    via: Address | None = Field(default=None, examples=["10.30.0.1"])
    """A router in the link's own network, or in a network that is on_link."""
    on_link: Annotated[bool, Field(strict=True)] = False
    """The network's hosts are on this link, without a router. Such a route has no via."""
    metric: Annotated[int, Field(ge=1, le=4_294_967_295, strict=True)] | None = None
    """Of two routes to one network, the kernel takes the one with the lower metric. Unset: 1024."""


class JoinedSpec(Model):
    """What links of every kind have in common."""

    mtu: Mtu | None = None
    """Bytes of the largest packet. Unset: 1500."""
    address: HostAddress | None = None
    """Address with its prefix. Unset: the link is up and has no address, unless dhcp is true."""
    dhcp: Annotated[bool, Field(strict=True)] = False
    """Ask for an IPv4 address over DHCP. The machine starts without waiting for it: where no server answers, the link
    is up and has no address, Talos goes on asking, and `drift` reports it."""
    routes: tuple[RouteSpec, ...] = ()
    """Networks that are reached over this link."""


class LinkSpec(JoinedSpec):
    """A NIC. Found by its MAC, bus path or driver, it gets the name that it has here; without them, the name must be
    the kernel's. With several of them, all must match."""

    mac: Mac | None = None
    """The NIC's permanent MAC."""
    bus_path: BusPath | None = Field(default=None, examples=["0000:65:00.0"])
    """Where the NIC is on the machine's bus."""
    driver: Driver | None = Field(default=None, examples=["mlx5_core"])
    """The kernel's driver of the NIC. It must drive no other NIC of the machine."""

    @property
    def found(self) -> bool:
        """Whether the NIC is found by what the hardware says of it, and not by the kernel's name."""
        return any((self.mac, self.bus_path, self.driver))


class BondSpec(JoinedSpec):
    """Several links used as one. If the boot link is one of them, the bond has the machine's own address."""

    links: tuple[LinkName, ...] = Field(min_length=1, examples=["[lan0, data0]"])
    """Names of links:, or lan0, the boot link."""
    mode: Literal["802.3ad", "active-backup", "balance-xor", "balance-tlb", "balance-alb"] = "802.3ad"
    """802.3ad is LACP, which the switch must be configured for. active-backup works with any switch."""
    lacp_rate: Literal["slow", "fast"] | None = None
    """With 802.3ad: how often the switch is to send LACP packets, every 30 seconds or every second. Unset: slow."""
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

    def addresses(self) -> Iterator[tuple[tuple[str, str], IPv4Interface | IPv6Interface]]:
        """Every address as ((kind, name), address)."""
        yield from (((kind, name), spec.address) for kind, name, spec in self.every() if spec.address)
