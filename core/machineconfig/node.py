"""What a machine's Node has to show in Kubernetes, and who sets it there.

On a control plane Talos sets labels, annotations and taints with an administrator's rights. On a worker it acts as the
kubelet, which may give its Node only some labels of kubernetes.io, and may change no taint once the Node exists. The
API refuses a request with any such change as a whole, so these are set with the platform's own kubeconfig.
Source: siderolabs/talos internal/app/machined/pkg/controllers/k8s/node_apply.go at v1.12.0 and v1.14.1.
"""

from dataclasses import dataclass

from core.facts.node_labels import is_forbidden
from core.model import MachineSpec, Platform, placing

from .documents.machine import annotations


@dataclass(frozen=True, kw_only=True)
class NodeSettings:
    """What a Node has to show."""

    labels: dict[str, str]
    """Each label's key to its value, whoever sets it."""
    taints: dict[str, str]
    """Each taint's key to value:effect, or to the effect alone."""
    annotations: dict[str, str]
    """Each annotation's key to its value. Talos sets them."""
    not_by_kubelet: tuple[str, ...]
    """The keys of those labels that the API refuses from the kubelet of a worker."""
    kubelet_may_taint: bool
    """Whether Talos may change the Node's taints: on control planes."""


def node_settings(platform: Platform, name: str) -> NodeSettings:
    """What the Node of one machine has to show."""
    machine = platform.machines[name]
    labels = {**machine.labels, **machine.location.labels, **placing.node_labels(platform, name)}
    return NodeSettings(
        labels=labels,
        taints=dict(machine.taints),
        annotations=annotations(platform, name, machine),
        not_by_kubelet=tuple(key for key in labels if _is_refused(machine, key)),
        kubelet_may_taint=machine.role == "controlplane",
    )


def _is_refused(machine: MachineSpec, label: str) -> bool:
    return machine.role == "worker" and is_forbidden(label)
