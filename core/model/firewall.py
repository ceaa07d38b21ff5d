"""Talos' own firewall: which ports of the machines are open, and to whom."""

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from .addresses import Network
from .faults import refuse, shown
from .pattern import Pattern
from .types import ByName, Model


def _ports(value: Any) -> Any:
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    match = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", text, re.ASCII)
    if not match:
        refuse(
            f"{shown(value)} is not a port or a range of ports",
            "the firewall opens exactly these ports",
            "write e.g. 9100 or 9100-9110",
        )
    first, last = int(match[1]), int(match[2] or match[1])
    if not 1 <= first <= last <= 65535:
        refuse(
            f"{text!r} is not a valid port or range",
            "ports are 1 to 65535, and a range starts with the lower one",
            "write e.g. 9100 or 9100-9110",
        )
    return text


def ends(ports: str) -> tuple[int, int]:
    """The first and the last port of 9100-9110; of a single port, that port twice."""
    first, _, last = ports.partition("-")
    return int(first), int(last or first)


Ports = Annotated[
    str,
    BeforeValidator(_ports),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": 65535},
                {"type": "string", "pattern": r"^\d{1,5}(-\d{1,5})?$"},
            ]
        }
    ),
]

RuleName = Annotated[
    str,
    Pattern(
        r"[a-z0-9]([a-z0-9-]{0,39}[a-z0-9])?",
        "a valid name of a firewall opening",
        "the name of its machine config document is made from it",
        "use at most 41 of a-z, 0-9 and -, e.g. node-exporter",
    ),
]


class OpeningSpec(Model):
    """Ports of every machine that are open to some networks."""

    ports: tuple[Ports, ...] = Field(min_length=1, examples=["[9100]"])
    """Ports, e.g. 9100 or "9100-9110"."""
    protocol: Literal["tcp", "udp"] = "tcp"
    sources: tuple[Network, ...] = Field(min_length=1, examples=["[10.0.5.0/24]"])
    """Networks from which these ports can be reached."""


class FirewallSpec(Model):
    """Talos' own firewall, beneath Cilium. Every machine drops incoming packets to ports that are not open."""

    enabled: bool = True
    """Whether machines have the firewall. Without it, all their ports are open."""
    admins: tuple[Network, ...] = ()
    """Networks from which people reach the Talos API and the Kubernetes API. Empty: from everywhere; both APIs still
    require a client certificate."""
    allow: ByName[RuleName, OpeningSpec] = Field(default={}, validate_default=True)
    """Additional openings. The platform's own ports are open already and need no entry."""
