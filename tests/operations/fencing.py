"""A machine to fence, for tests: a BMC, a Kubernetes API that has its Node, and a Talos API that is silent."""

import copy
import os
import re
import signal
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from clients.talos import NoAnswer
from operations.fence.cluster import EFFECT, KEY, VALUE, Cluster
from operations.fence.target import Target
from tests.provider.kubernetes_server import Cluster as Pods

TAINTED = {"key": KEY, "value": VALUE, "effect": EFFECT}
CORDON = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


def node(name: str, ready: str = "True", **spec: Any) -> dict[str, Any]:
    """A Node that runs VMs, as the API has it. ready: True, False or Unknown."""
    labels = {"kubernetes.io/hostname": name, "kubevirt.io/schedulable": "true"}
    conditions = [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": ready}]
    return {
        "metadata": {"name": name, "labels": labels, "resourceVersion": "1"},
        "spec": spec,
        "status": {"conditions": conditions},
    }


class Kubernetes(Pods):
    """It has Nodes, leases and what runs on the Nodes; a Node that has changed since it was read is not changed."""

    def __init__(self, folder: Path, *nodes: Mapping[str, Any]) -> None:
        super().__init__(folder, [])
        self.nodes = {str(each["metadata"]["name"]): copy.deepcopy(dict(each)) for each in nodes}
        self.lists: dict[str, list[dict[str, Any]]] = {}  # type: ignore[assignment]  # No pods are evicted here.
        self.silent = 120.0
        """Seconds since the last renewal of each lease; the one of a machine that runs is below 10."""
        self.kubevirt = True
        self.times: dict[str, float] = {}
        self.meanwhile: list[dict[str, Any]] = []
        """Taints that others set, one before each change of a Node."""
        self.kills: int | None = None
        """The process that dies after its change of a Node."""

    def do(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        self.times[method] = time.monotonic()
        if found := re.fullmatch("/api/v1/nodes/(.+)", path):
            return self._change(self.nodes[found[1]], body) if method == "PATCH" else (200, self.nodes[found[1]])
        if path == "/api/v1/nodes":
            return 200, {"items": [*self.nodes.values()]}
        if "/leases/" in path:
            renewed = datetime.now(UTC) - timedelta(seconds=self.silent)
            return 200, {"spec": {"renewTime": renewed.isoformat().replace("+00:00", "Z")}}
        if "kubevirt" in path and not self.kubevirt:
            return 404, {"message": "not found"}
        return 200, {"items": self.lists.get(path.rpartition("/")[2], [])}

    def _change(self, node: dict[str, Any], body: Any) -> tuple[int, Any]:
        if self.meanwhile:
            node["spec"].setdefault("taints", []).append(self.meanwhile.pop())
            node["metadata"]["resourceVersion"] += "1"
        if body["metadata"]["resourceVersion"] != node["metadata"]["resourceVersion"]:
            return 409, {"message": "the object has been modified"}
        node["spec"]["taints"] = body["spec"]["taints"]
        node["metadata"]["resourceVersion"] += "1"
        if self.kills:
            os.kill(self.kills, signal.SIGKILL)
        return 200, node

    def taints(self, name: str = "wk-2") -> list[Any]:
        return list(self.nodes[name]["spec"].get("taints", ()))


class Talos:
    """A Talos API that answers, or does not."""

    def __init__(self, answers: bool = False) -> None:
        self.alive = answers

    def version(self, address: str) -> str:
        if not self.alive:
            raise NoAnswer("no answer within 5 s")
        return "v1.14.2"


def machine(api: Kubernetes, power: Mapping[str, Any] | None, **changes: Any) -> Target:
    """The machine wk-2, or another with other control planes."""
    given: dict[str, Any] = {
        "name": "wk-2",
        "address": "10.20.0.22",
        "control_planes": (),
        "cluster": Cluster(api.access()),
        "client": Talos(),
        "power": power,
    }
    return Target(**(given | changes))
