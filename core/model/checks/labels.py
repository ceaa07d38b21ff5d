"""Labels that Talos can set: not those that every kubelet sets itself."""

from collections.abc import Iterator

from core.facts.node_labels import OUT_OF_SERVICE, OWN
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


@check("machines")
def fencing_alone_declares_machines_dead(p: Platform) -> Iterator[Fault]:
    """No machine is declared with the taint by which `fence` says that it is dead."""
    for name, machine in p.machines.items():
        if OUT_OF_SERVICE in machine.taints:
            yield fault(
                ("machines", name, "taints", OUT_OF_SERVICE),
                f"{OUT_OF_SERVICE} says that the machine is off",
                "Kubernetes would delete its pods and detach its volumes while they are in use, and a VM could then "
                "run twice on one disk",
                f"remove it; for a machine that has died, run ./bedplate fence STACK {name}",
            )
