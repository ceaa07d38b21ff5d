"""Labels that Talos can set: not those that every kubelet sets itself."""

from collections.abc import Iterator

from core.facts.node_labels import OWN
from core.model.faults import Fault, fault
from core.model.machine import MachineSpec
from core.model.platform import Platform

from .registry import check


@check("machines")
def kubelets_keep_their_labels(p: Platform) -> Iterator[Fault]:
    """No machine has a label that its kubelet sets from what it finds."""
    for name, machine in p.machines.items():
        for label in sorted(OWN & set(machine.labels)):
            yield fault(
                _path(p, name, machine, label),
                f"{label} is set by the kubelet itself",
                "Talos changes no label that another wrote, so this value would never take effect",
                "remove it, or use a prefix of your own, e.g. example.com/pool",
            )


def _path(p: Platform, name: str, machine: MachineSpec, label: str) -> tuple[str, ...]:
    """Where a label of a machine is set: in its class, or in the machine itself."""
    shared = p.classes.get(machine.class_ or "")
    from_class = shared is not None and shared.labels.get(label) == machine.labels[label]
    return ("classes", str(machine.class_), "labels", label) if from_class else ("machines", name, "labels", label)
