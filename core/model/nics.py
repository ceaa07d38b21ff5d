"""A machine's links beyond the one that it boots from: bonds, VLANs, bridges, their routes, and how large their packets are."""

from collections.abc import Iterator
from ipaddress import IPv4Interface
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from .faults import refuse
from .types import Address, ByName, LinkName, Mac, Model, Network

# What the link that a machine boots from is called where it is found by its MAC.
BOOT_LINK = "lan0"
# What a link has that nobody said anything about.
USUAL_MTU = 1500


def _interface(value: Any) -> Any:
    if isinstance(value, IPv4Interface) or not isinstance(value, str):
        return value
    try:
        if "/" not in value:
            raise ValueError
        made = IPv4Interface(value)
    except ValueError:
        refuse(
            f"{value!r} is not an IPv4 address with its prefix",
            "the link's network follows from it",
            "write e.g. 10.30.0.21/24",
        )
    if made.network.prefixlen < 31 and made.ip in (made.network.network_address, made.network.broadcast_address):
        refuse(
            f"{value!r} is a network's own address or its broadcast address",
            "no machine can hold it",
            f"write a host of {made.network}, e.g. {made.network.network_address + 1}/{made.network.prefixlen}",
        )
    return made


HostAddress = Annotated[
    IPv4Interface,
    BeforeValidator(_interface),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": r"^[\d.]+/\d{1,2}$"}),
]
Mtu = Annotated[int, Field(ge=1280, le=9216, strict=True)]


class Route(Model):
    """A network that is reached over this link. The way out to everywhere else is network.gateway."""

    to: Network = Field(examples=["10.50.0.0/16"])
    via: Address = Field(examples=["10.30.0.1"])
    """A router in the link's own network."""
    metric: Annotated[int, Field(ge=1, le=4_294_967_295, strict=True)] | None = None
    """Of two ways to one network, the lower one counts. 1024 where nothing is said."""


class Joined(Model):
    """What every link may have, of whatever kind."""

    mtu: Mtu | None = None
    """The largest packet, 1500 where nothing is said."""
    address: HostAddress | None = None
    """With its prefix. With none, the link is up and has no address."""
    routes: tuple[Route, ...] = ()
    """Networks that are reached over it."""


class Link(Joined):
    """A NIC by its MAC, and then by the name it has here; or with no MAC, by the kernel's own name."""

    mac: Mac | None = None
    """Without it, the name here must be the kernel's."""


class Bond(Joined):
    """Several links as one. With the boot link in it, it has the machine's own address."""

    links: tuple[LinkName, ...] = Field(min_length=1, examples=["[lan0, data0]"])
    """Names of links:, or lan0, the boot link."""
    mode: Literal["802.3ad", "active-backup", "balance-xor", "balance-tlb", "balance-alb"] = "802.3ad"
    """802.3ad is LACP and needs the switch to speak it; active-backup needs nothing of it."""
    mtu: Mtu | None = None
    """Of the bond and its links."""


class Vlan(Joined):
    """A tagged network over a link, a bond or a bridge."""

    parent: LinkName = Field(examples=["bond0"])
    id: Annotated[int, Field(ge=1, le=4094, strict=True)] = Field(examples=["100"])
    mtu: Mtu | None = None
    """At most the parent's."""


class Bridge(Joined):
    """A switch inside the machine, for what virtual machines are plugged into. With the boot link in it, or the bond that has it, it has the machine's own address."""

    links: tuple[LinkName, ...] = Field(default=(), examples=["[bond0]"])
    """Names of links:, bonds: or vlans:, or lan0, the boot link. With none, nothing leaves the machine by it."""
    stp: bool = False
    """Speak the spanning tree protocol: needed where two of its links end in one network. Packets pass only half a minute after it is up."""
    vlan_filtering: bool = False
    """Keep tagged networks apart, by what is set at each of its ports."""
    mtu: Mtu | None = None
    """At most that of the smallest of its links."""


# The kinds of links, in the order in which they are made of each other.
LINK_KINDS = ("links", "bonds", "vlans", "bridges")


class Nics(Model):
    """What a machine has beside its boot link, by the names that its links get: at most 15 characters, each once."""

    links: ByName[LinkName, Link] = Field(default={}, validate_default=True)
    bonds: ByName[LinkName, Bond] = Field(default={}, validate_default=True)
    vlans: ByName[LinkName, Vlan] = Field(default={}, validate_default=True)
    bridges: ByName[LinkName, Bridge] = Field(default={}, validate_default=True)

    @property
    def said(self) -> bool:
        """Whether there is any."""
        return any(getattr(self, kind) for kind in LINK_KINDS)

    @property
    def bonded(self) -> dict[str, str]:
        """A link that is part of a bond, and of which."""
        return {link: name for name, bond in self.bonds.items() for link in bond.links}

    @property
    def bridged(self) -> dict[str, str]:
        """A link, bond or VLAN that is part of a bridge, and of which."""
        return {link: name for name, bridge in self.bridges.items() for link in bridge.links}

    def carrier(self, boot: str) -> str:
        """What has the machine's own address: the boot link, the bond that it is in, or the bridge that either is in."""
        at = self.bonded.get(boot, boot)
        return self.bridged.get(at, at)

    def every(self) -> Iterator[tuple[str, str, Joined]]:
        """Each link with its kind and its name."""
        for kind in LINK_KINDS:
            yield from ((kind, name, each) for name, each in getattr(self, kind).items())

    def addresses(self) -> Iterator[tuple[tuple[str, str], IPv4Interface]]:
        """Every address, and where it is written."""
        yield from (((kind, name), each.address) for kind, name, each in self.every() if each.address)
