"""IPv4 addresses, networks, ranges and MAC addresses, each refused with a remedy where it is written wrong."""

import re
from ipaddress import AddressValueError, IPv4Address, IPv4Interface, IPv4Network, NetmaskValueError
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from .faults import refuse
from .types import Model


def _mac(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}", value):
        return value.lower().replace("-", ":")
    if isinstance(value, str):
        refuse(
            f"{value!r} is not a MAC address",
            "network links are identified by it",
            "write six pairs of digits, e.g. 52:54:00:aa:00:01",
        )
    return value


Mac = Annotated[
    str,
    BeforeValidator(_mac),
    WithJsonSchema({"type": "string", "pattern": "^([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}$"}),
]


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str | int | float) else "this value"


def _address(value: Any) -> Any:
    if isinstance(value, IPv4Address):
        return value
    try:
        return IPv4Address(value if isinstance(value, str) else "")
    except AddressValueError:
        refuse(
            f"{_shown(value)} is not an IPv4 address",
            "clients connect to this address",
            "write e.g. 192.168.10.11",
        )


Address = Annotated[IPv4Address, BeforeValidator(_address), PlainSerializer(str)]


def _network(value: Any) -> Any:
    if isinstance(value, IPv4Network):
        return value
    text = value if isinstance(value, str) else ""
    try:
        if "/" not in text:
            raise AddressValueError
        network = IPv4Network(text, strict=False)
    except (AddressValueError, NetmaskValueError, ValueError):
        refuse(
            f"{_shown(value)} is not an IPv4 network",
            "addresses are matched against its prefix",
            "write e.g. 192.168.10.0/24",
        )
    if str(network) != text:
        refuse(
            f"{text!r} is the address of a host in a network",
            "the bits after the prefix must be zero",
            f"did you mean {network}?",
        )
    return network


Network = Annotated[
    IPv4Network,
    BeforeValidator(_network),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "format": "ipv4-network"}),
]


def _interface(value: Any) -> Any:
    if isinstance(value, IPv4Interface) or not isinstance(value, str):
        return value
    try:
        if "/" not in value:
            raise ValueError
        interface = IPv4Interface(value)
    except ValueError:
        refuse(
            f"{value!r} is not an IPv4 address with its prefix",
            "the prefix says which network the link is in",
            "write e.g. 10.30.0.21/24",
        )
    network = interface.network
    if network.prefixlen < 31 and interface.ip in (network.network_address, network.broadcast_address):
        refuse(
            f"{value!r} is a network address or a broadcast address",
            "no machine can have it",
            f"write a host of {network}, e.g. {network.network_address + 1}/{network.prefixlen}",
        )
    return interface


HostAddress = Annotated[
    IPv4Interface,
    BeforeValidator(_interface),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": r"^[\d.]+/\d{1,2}$"}),
]


class AddressRange(Model):
    """First to last address, both included."""

    first: Address
    last: Address

    def __contains__(self, address: IPv4Address) -> bool:
        return self.first <= address <= self.last

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"


def _range(value: Any) -> Any:
    if isinstance(value, AddressRange):
        return value
    match = re.fullmatch(r"([\d.]+)-([\d.]+)", value) if isinstance(value, str) else None
    if not match:
        refuse(
            "this value is not a range of addresses",
            "Services of type LoadBalancer get their addresses from it",
            "write first-last, e.g. 192.168.10.200-192.168.10.220",
        )
    first, last = _address(match[1]), _address(match[2])
    if first > last:
        refuse(
            f"{first}-{last} has the higher address first",
            "such a range contains no address",
            f"write {last}-{first}",
        )
    return AddressRange(first=first, last=last)


Range = Annotated[
    AddressRange,
    BeforeValidator(_range),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": r"^[\d.]+-[\d.]+$"}),
]
