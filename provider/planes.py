"""The control planes as Kubernetes reports them: which version each of their components runs."""

from collections.abc import Mapping

from core.facts.node_labels import CONTROL_PLANE

from . import nodes
from .kubeapi import Access
from .progress import Progress
from .waiting import wait_until

_MIRRORED = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")


def wait_for_version(access: Access, machine: str, wanted: str, seconds: float, say: Progress) -> None:
    """Return when every control plane runs the wanted version: a kubelet must not be newer than an API server.

    Raises UserError with the outdated components after `seconds`.
    """

    def ask() -> tuple[bool, str]:
        planes = sorted(
            node["metadata"]["name"]
            for node in nodes.list_nodes(access)
            if CONTROL_PLANE in (node["metadata"].get("labels") or {})
        )
        running = _running_versions(access)
        late = [f"{node} ({', '.join(old)})" for node in planes if (old := _outdated(running, node, wanted))]
        return bool(planes) and not late, f"not yet at {wanted}: {', '.join(late) or 'no control plane is listed'}"

    wait_until(
        ask,
        f"{machine} waits for the control planes' Kubernetes, which was not {wanted}",
        seconds,
        "look at them with: kubectl get pods -n kube-system -l tier=control-plane, and run up again",
        say,
    )


def _running_versions(access: Access) -> dict[str, dict[str, str]]:
    """Each node to the components of the control plane that are ready there, each to its version."""
    versions: dict[str, dict[str, str]] = {}
    for component in _MIRRORED:
        for pod in nodes.system_pods(access, component):
            if any(
                condition.get("type") == "Ready" and condition.get("status") == "True"
                for condition in (pod.get("status") or {}).get("conditions") or []
            ):
                version = _tag(pod["spec"]["containers"][0]["image"])
                versions.setdefault(str(pod["spec"].get("nodeName")), {})[component] = version
    return versions


def _tag(image: str) -> str:
    return image.partition("@")[0].rpartition(":")[2]


def _outdated(running: Mapping[str, Mapping[str, str]], node: str, wanted: str) -> list[str]:
    versions = running.get(node, {})
    return [
        f"{component} {versions.get(component, 'not ready')}"
        for component in _MIRRORED
        if versions.get(component) != wanted
    ]
