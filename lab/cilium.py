"""Cilium in a rehearsed platform: the release that is built here, or a stand-in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Network:
    """What makes the network between the lab's pods."""

    chart: str
    version: str = ""
    """The release of Cilium that is built here; empty for a stand-in."""
    why_not: str = ""
    """Why it is a stand-in."""
    wireguard: str = ""
    """Why nodes have no WireGuard, in the kernel's words; empty if they have it."""


def rehearsed(cilium: dict[str, Any], note: Callable[[str, object, object, str], None], now: Network) -> None:
    """Change the section to what the lab runs; `note` is called with each change."""
    was = f"{cilium.get('chart', 'cilium')} {cilium['version']}"
    cilium.pop("digest", None)
    cilium |= {"chart": now.chart, "repository": None}
    if not now.version:
        note("cilium.chart", was, "a stand-in", now.why_not)
        return
    note(
        "cilium.chart", was, f"the chart of {now.version}", "this is the release that is built here, with its own chart"
    )
    cilium["version"] = now.version
    if now.wireguard and cilium.get("encryption", "wireguard") == "wireguard":
        why = f"the kernel has no WireGuard ({now.wireguard}); the chart gets the value and does not read it"
        note("cilium.encryption", "wireguard", "none", why)
    if cilium.get("hubble", True):
        cilium["hubble"] = False
        note("cilium.hubble", "true", "false", "the images of its relay and of its certificates aren't made")
