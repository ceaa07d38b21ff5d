"""IP addresses, networks, ranges and MAC addresses, each refused with a remedy where it is written wrong."""

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network, ip_interface
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from core.facts.networks import IpAddress, IpNetwork, ends, kept_for

from .faults import refuse


def _mac(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if not re.fullmatch(r"([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}", value):
        refuse(
            f"{value!r} is not a MAC address",
            "network links are identified by it",
            "write six pairs of digits, e.g. 52:54:00:aa:00:01",
        )
    mac = value.lower().replace("-", ":")
    # Source: IEEE 802-2014, section 8.2: the lowest bit of the first byte marks a group of stations.
    kind = "no address" if mac == "00:00:00:00:00:00" else "the address of a group" if int(mac[:2], 16) & 1 else None
    if kind:
        refuse(
            f"{value!r} is {kind}",
            "every NIC has an address of its own",
            "read the MAC from the machine's label or from its BMC",
        )
    return mac


Mac = Annotated[
    str,
    BeforeValidator(_mac),
    WithJsonSchema({"type": "string", "pattern": "^([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}$"}),
]


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str | int | float) else "this value"


def ip(text: object) -> IpAddress | None:
    """The address that a text is; None where it is none. A zone, as in fe80::1%eth0, makes it none."""
    for kind in (IPv4Address, IPv6Address):
        try:
            return kind(text) if isinstance(text, str) and "%" not in text else None
        except ValueError:
            continue
    return None


def address_of(value: Any) -> IpAddress:
    """The address that a value is. Refuses what is none."""
    address = value if isinstance(value, IPv4Address | IPv6Address) else ip(value)
    if address is None:
        refuse(f"{_shown(value)} is not an IP address", "clients connect to this address", _EXAMPLES)
    return address


def server_of(value: Any) -> IpAddress:
    """The address of a server outside of the platform. Refuses what no computer is reached at by others."""
    address = address_of(value)
    if kept := kept_for(address):
        refuse(f"{address} is in {kept}", "no other computer is reached there", _EXAMPLES)
    return address


_EXAMPLES = "write e.g. 192.168.10.11 or fd00:10::11"
_ADDRESS_SCHEMA = WithJsonSchema({"anyOf": [{"type": "string", "format": f} for f in ("ipv4", "ipv6")]})
# Not checked against what ranges are kept for: such an address is in a node network, which is checked.
Address = Annotated[IPv4Address | IPv6Address, BeforeValidator(address_of), PlainSerializer(str), _ADDRESS_SCHEMA]
ServerAddress = Annotated[IPv4Address | IPv6Address, BeforeValidator(server_of), PlainSerializer(str), _ADDRESS_SCHEMA]
"""The address of a server outside of the platform."""


def _network(value: Any) -> IpNetwork:
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    text = value if isinstance(value, str) else ""
    try:
        if "/" not in text or "%" in text:
            raise ValueError
        network = ip_interface(text).network
    except ValueError:
        refuse(
            f"{_shown(value)} is not an IP network",
            "addresses are matched against its prefix",
            "write e.g. 192.168.10.0/24 or fd00:10::/64",
        )
    if ip(text.partition("/")[0]) != network.network_address or not text.endswith(f"/{network.prefixlen}"):
        refuse(
            f"{text!r} is the address of a host in a network",
            "the bits after the prefix must be zero",
            f"did you mean {network}?",
        )
    return network


def _site_network(value: Any) -> IpNetwork:
    network = _network(value)
    if kept := kept_for(network):
        refuse(
            f"{network} overlaps {kept}",
            "packets to it would not arrive",
            "write a network of private addresses, e.g. 10.20.0.0/16 or fd00:20::/48",
        )
    return network


_NETWORK_SCHEMA = WithJsonSchema({"anyOf": [{"type": "string", "format": f} for f in ("ipv4-network", "ipv6-network")]})
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network), PlainSerializer(str), _NETWORK_SCHEMA]
"""Any network, 0.0.0.0/0 among them."""
SiteNetwork = Annotated[
    IPv4Network | IPv6Network, BeforeValidator(_site_network), PlainSerializer(str), _NETWORK_SCHEMA
]
"""A network in which machines, pods or services have addresses."""


def _one_or_more(single: Callable[[Any], Any]) -> BeforeValidator:
    """Take a value without a list as a list of one, so that its fault is at the key itself."""
    return BeforeValidator(lambda value: value if isinstance(value, list | tuple) else (single(value),))


def as_written(values: tuple[Any, ...]) -> str | list[str]:
    """One value as itself, several as a list."""
    return str(values[0]) if len(values) == 1 else [str(value) for value in values]


def _schema_of_list(item: Any) -> WithJsonSchema:
    one = item.json_schema
    return WithJsonSchema({"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]})


SiteNetworks = Annotated[
    tuple[SiteNetwork, ...],
    _one_or_more(_site_network),
    PlainSerializer(as_written),
    _schema_of_list(_NETWORK_SCHEMA),
]
"""One network, or a list of networks."""
Gateways = Annotated[
    tuple[Address, ...],
    BeforeValidator(lambda value: () if value is None else value),
    _one_or_more(address_of),
    PlainSerializer(as_written),
    WithJsonSchema({"anyOf": [*_schema_of_list(_ADDRESS_SCHEMA).json_schema["anyOf"], {"type": "null"}]}),
]
"""One router, or a list of them."""


def _interface(value: Any) -> Any:
    if isinstance(value, IPv4Interface | IPv6Interface) or not isinstance(value, str):
        return value
    try:
        if "/" not in value or "%" in value:
            raise ValueError
        interface = ip_interface(value)
    except ValueError:
        refuse(
            f"{value!r} is not an IP address with its prefix",
            "the prefix says which network the link is in",
            "write e.g. 10.30.0.21/24 or fd00:30::21/64",
        )
    if kept := kept_for(interface.ip):
        refuse(f"{value!r} is in {kept}", "no link can have it", "write e.g. 10.30.0.21/24 or fd00:30::21/64")
    network = interface.network
    if interface.ip in ends(network):
        refuse(
            f"{value!r} is a network address or a broadcast address",
            "no machine can have it",
            f"write a host of {network}, e.g. {network.network_address + 1}/{network.prefixlen}",
        )
    return interface


HostAddress = Annotated[
    IPv4Interface | IPv6Interface,
    BeforeValidator(_interface),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9A-Fa-f.:]+/\d{1,3}$"}),
]
