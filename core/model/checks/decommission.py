"""What must hold while machines are decommissioned: enough of the platform stays."""

from collections.abc import Iterator

from core.model.faults import Fault, fault
from core.model.platform import Platform

from .registry import check


@check("machines", "talos")
def bootstrap_machine_stays(p: Platform) -> Iterator[Fault]:
    """talos.bootstrap names no machine that is being decommissioned."""
    bootstrap = p.talos.bootstrap
    if bootstrap in p.leaving and p.controlplanes:
        yield fault(
            ("machines", str(bootstrap), "decommission"),
            f"is {p.leaving[str(bootstrap)].decommission}, but talos.bootstrap is {bootstrap}",
            "the cluster's credentials and its member list are read from that machine, which would not answer any more",
            f"write talos.bootstrap: {p.controlplanes[0]} as well; etcd is not bootstrapped again",
        )


@check("machines")
def a_control_plane_stays(p: Platform) -> Iterator[Fault]:
    """At least one control plane is not being decommissioned."""
    planes = [name for name, machine in p.leaving.items() if machine.role == "controlplane"]
    if planes and not p.controlplanes:
        yield fault(
            ("machines", planes[-1], "decommission"),
            f"is {p.leaving[planes[-1]].decommission}, and no control plane stays",
            "etcd, and with it everything that the cluster knows, would be lost",
            "remove decommission from one of them; to remove the whole platform, type: ./bedplate destroy STACK",
        )


@check("machines", "talos")
def workloads_have_a_machine_left(p: Platform) -> Iterator[Fault]:
    """Pods and VMs of a machine that is being decommissioned can move to another one."""
    if p.schedulable or not p.controlplanes:
        return
    for name, machine in p.leaving.items():
        if machine.role == "worker":
            loads = [
                _count(len(entries), noun) for noun, entries in (("VM", p.vms), ("workload", p.workloads)) if entries
            ]
            yield fault(
                ("machines", name, "decommission"),
                f"is {machine.decommission}, and no machine stays to run {' and '.join(loads) or 'workloads'}",
                "draining the machine waits until its pods and VMs run elsewhere",
                "write talos.schedulable_control_planes: true, or add a worker first",
            )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
