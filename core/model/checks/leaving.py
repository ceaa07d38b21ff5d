"""What must hold while machines leave a platform: enough of it stays."""

from collections.abc import Iterator

from core.model.faults import Fault
from core.model.model import Platform

from .platform import fault, needs


@needs("machines", "talos")
def another_bootstrap(p: Platform) -> Iterator[Fault]:
    """The control plane that others are asked about is none that goes."""
    named = p.talos.bootstrap
    if named in p.leaving and p.controlplanes:
        yield fault(
            ("machines", str(named), "decommission"),
            f"is {p.leaving[str(named)].decommission}, and talos.bootstrap is {named}",
            "it is the one that is asked for the cluster's credentials and for its members, and it would not answer",
            f"write talos.bootstrap: {p.controlplanes[0]} as well; nothing is bootstrapped again",
        )


@needs("machines")
def a_control_plane_stays(p: Platform) -> Iterator[Fault]:
    planes = [name for name, machine in p.leaving.items() if machine.role == "controlplane"]
    if planes and not p.controlplanes:
        yield fault(
            ("machines", planes[-1], "decommission"),
            f"is {p.leaving[planes[-1]].decommission}, and no control plane stays",
            "etcd, and with it all that the cluster knows, would be gone",
            "leave it out for one of them; the end of a platform is ./bedplate destroy STACK",
        )


@needs("machines", "talos")
def somewhere_to_go(p: Platform) -> Iterator[Fault]:
    """What runs on a machine that leaves needs another one."""
    if p.schedulable or not p.controlplanes:
        return
    for name, machine in p.leaving.items():
        if machine.role == "worker":
            runs = [_count(len(named), what) for what, named in (("VM", p.vms), ("workload", p.workloads)) if named]
            yield fault(
                ("machines", name, "decommission"),
                f"is {machine.decommission}, and no machine stays that runs {' and '.join(runs) or 'workloads'}",
                "what runs on it would have nowhere to go, and a drain waits for that",
                "write talos.schedulable_control_planes: true, or add a worker first",
            )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
