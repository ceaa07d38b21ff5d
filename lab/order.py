"""The order for a lab: its topology, what the computer allows, and the programs that its nodes run."""

from dataclasses import dataclass
from typing import Any

from .spec import Host
from .topology import Topology


@dataclass(frozen=True)
class Order:
    """What a lab is to be, as `Lab.start` writes it to `order.json` for the supervisor."""

    topology: Topology
    host: Host
    rootfs: str
    runc: str
    runtime: str = ""
    """docker or podman, where the nodes are its containers with the official image."""
    talos: str = ""
    """The image's release."""

    def as_json(self) -> dict[str, Any]:
        """Plain data: field to value."""
        host = {**self.host.__dict__, "missing": sorted(self.host.missing)}
        return {
            "topology": self.topology.as_json(),
            "host": host,
            "rootfs": self.rootfs,
            "runc": self.runc,
            "runtime": self.runtime,
            "talos": self.talos,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Order":
        """The inverse of `as_json`."""
        host = Host(
            **{**data["host"], "devices": tuple(data["host"]["devices"]), "missing": frozenset(data["host"]["missing"])}
        )
        return cls(
            Topology.from_json(data["topology"]),
            host,
            data["rootfs"],
            data["runc"],
            data.get("runtime", ""),
            data.get("talos", ""),
        )
