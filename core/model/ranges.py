"""Ranges of addresses, for Services of type LoadBalancer."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from core.facts.networks import IpAddress

from .addresses import Address, address_of, as_written
from .faults import refuse
from .types import Model


class AddressRange(Model):
    """First to last address, both included."""

    first: Address
    last: Address

    def __contains__(self, address: IpAddress) -> bool:
        return int(self.first) <= int(address) <= int(self.last) and address.version == self.first.version

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"

    def overlaps(self, other: "AddressRange") -> bool:
        """Whether an address is in both."""
        return self.first in other or other.first in self


def _range(value: Any) -> Any:
    if isinstance(value, AddressRange):
        return value
    match = re.fullmatch(r"([0-9A-Fa-f.:]+)-([0-9A-Fa-f.:]+)", value) if isinstance(value, str) else None
    if not match:
        refuse(
            "this value is not a range of addresses",
            "Services of type LoadBalancer get their addresses from it",
            "write first-last, e.g. 192.168.10.200-192.168.10.220",
        )
    first, last = address_of(match[1]), address_of(match[2])
    if first.version != last.version:
        refuse(
            f"{first} and {last} are addresses of IPv4 and of IPv6",
            "a range counts through the addresses of one of the two",
            "write both ends in one of them, and the other range as a second pool",
        )
    if int(first) > int(last):
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
    WithJsonSchema({"type": "string", "pattern": r"^[0-9A-Fa-f.:]+-[0-9A-Fa-f.:]+$"}),
]


def _ranges_or_one(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else (_range(value),)


Ranges = Annotated[
    tuple[Range, ...],
    BeforeValidator(_ranges_or_one),
    PlainSerializer(as_written),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^[0-9A-Fa-f.:]+-[0-9A-Fa-f.:]+$"},
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
            ]
        }
    ),
]
"""One range, or a list of them."""
