"""Labels that Talos can set: not those that every kubelet sets itself."""

from collections.abc import Iterator

from core.facts.node_labels import OWN
from core.model.faults import Fault, fault
from core.model.platform import Platform

from .registry import check


@check("machines")
def kubelets_keep_their_labels(p: Platform) -> Iterator[Fault]:
    """No machine has a label that its kubelet sets from what it finds."""
    for name, machine in p.machines.items():
        for label in sorted(OWN & set(machine.labels)):
            yield fault(
                ("machines", name, "labels", label),
                f"{label} is set by the kubelet itself",
                "Talos changes no label that another wrote, so this value would never take effect",
                "remove it, or use a prefix of your own, e.g. example.com/pool",
            )
