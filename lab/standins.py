"""Images of others that a platform runs, and what the lab's images of these names run."""

from collections.abc import Mapping
from typing import Any

from core.model.host import KubernetesHardeningSpec

# The image that approves kubelets' certificates, if the stack names none.
APPROVER = KubernetesHardeningSpec().approver
# The port of a workload's stand-in, if the workload declares none.
HELLO_PORT = 8080


def next_patch(version: str) -> str:
    """The release that a rehearsal upgrades to: v1.14.2 -> v1.14.3."""
    most, _, patch = version.rpartition(".")
    return f"{most}.{int(patch) + 1}"


def talosctl(platform: Mapping[str, Any]) -> list[str]:
    """The images that save a platform's etcd, before the release changes and after."""
    version = platform["talos"]["version"]
    return [f"ghcr.io/siderolabs/talosctl:{each}" for each in (version, next_patch(version))]


def stand_ins(platform: Mapping[str, Any]) -> dict[str, list[str]]:
    """The images of others that a platform runs: each image -> the command of the lab's image of that name."""
    commands: dict[str, list[str]] = {}
    extras = platform["talos"].get("extras", {})
    if extras.get("serving_certificates", "cluster") == "cluster":
        commands[undigested(extras.get("approver", APPROVER))] = ["/usr/bin/kubelet-serving-cert-approver"]
    for workload in (platform.get("workloads") or {}).values():
        commands[undigested(workload["image"])] = ["/hello", f":{workload.get('port') or HELLO_PORT}"]
    return commands


def undigested(image: str) -> str:
    """The image by its tag alone: no image made here has the bytes of the published one."""
    name, _, digest = image.partition("@")
    return name if not digest or ":" in name.rpartition("/")[2] else f"{name}:rehearsed"
