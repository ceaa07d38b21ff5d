"""The ports on which the machines of one platform listen: for its firewall, and for the checks of added openings."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from core.facts import ports
from core.facts.ports import OwnPort

if TYPE_CHECKING:
    from .platform import Platform

__all__ = ["OwnPort", "own_ports"]


def own_ports(platform: "Platform") -> Iterator[OwnPort]:
    """The ports that this platform uses."""
    yield from ports.TALOS
    if platform.talos.snapshots.schedule:
        yield ports.SNAPSHOTS
    yield from ports.CILIUM
    if platform.cilium.encryption == "wireguard":
        yield ports.WIREGUARD
    if platform.cilium.hubble:
        yield ports.HUBBLE
