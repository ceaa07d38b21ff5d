"""Labels and taints that Talos can set: on workers it acts as the kubelet, to which the API allows only some."""

from collections.abc import Iterator

from core.facts.node_labels import OWN, is_forbidden
from core.model.faults import Fault, fault
from core.model.machine import MachineSpec
from core.model.platform import Platform

from .registry import check

# Source: siderolabs/talos, internal/app/machined/pkg/controllers/k8s/node_apply.go: one Update carries labels,
# annotations and taints, with the kubelet's credentials on workers and an administrator's on control planes.
_LOST = "Talos sends labels, annotations and taints in one request, so the API would refuse all of them from then on"


@check("machines")
def labels_can_be_set(p: Platform) -> Iterator[Fault]:
    """No worker has a label that the API refuses from its kubelet, and no machine one that the kubelet sets itself."""
    for name, machine in p.machines.items():
        for label in machine.labels:
            path = _path(p, name, machine, "labels", label)
            if label in OWN:
                yield fault(
                    path,
                    f"{label} is set by the kubelet itself",
                    "Talos changes no label that another wrote, so this value would never take effect",
                    "remove it, or use a prefix of your own, e.g. example.com/pool",
                )
            elif machine.role == "worker" and is_forbidden(label):
                yield fault(
                    path,
                    f"{label} can't be set by a worker: its kubelet may set no such label of kubernetes.io or k8s.io",
                    _LOST,
                    f"use a prefix of your own, e.g. example.com/{label.rpartition('/')[2]}, or set it with kubectl "
                    "label node",
                )


@check("machines")
def taints_can_be_set(p: Platform) -> Iterator[Fault]:
    """No worker has a taint: its kubelet may not change the taints of a node that is registered."""
    for name, machine in p.machines.items():
        for taint, value in machine.taints.items() if machine.role == "worker" else ():
            path = _path(p, name, machine, "taints", taint)
            node = name if path[0] == "machines" else "NODE"
            yield fault(
                path,
                f"{taint} can't be set on a worker: its kubelet may not change the taints of its node",
                _LOST,
                f"remove it, and set it with kubectl taint node {node} {taint}={value}",
            )


def _path(p: Platform, name: str, machine: MachineSpec, kind: str, key: str) -> tuple[str, ...]:
    """Where a label or a taint of a machine is set: in its class, or in the machine itself."""
    shared = p.classes.get(machine.class_ or "")
    from_class = shared is not None and getattr(shared, kind).get(key) == getattr(machine, kind)[key]
    return ("classes", str(machine.class_), kind, key) if from_class else ("machines", name, kind, key)
