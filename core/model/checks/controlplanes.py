"""How many control planes there are, where etcd is bootstrapped, and what runs workloads."""

from collections.abc import Iterator

from core.model.faults import Fault, fault
from core.model.platform import Platform

from .registry import check


@check("machines")
def etcd_keeps_a_quorum(p: Platform) -> Iterator[Fault]:
    """An odd number of control planes, at most seven."""
    count = len(p.controlplanes)
    shrinking = any(m.role == "controlplane" for m in p.leaving.values())
    if count == 0 and not shrinking:
        yield fault(
            ("machines",),
            "no machine is a control plane",
            "Kubernetes would run nowhere",
            "give one machine the role controlplane",
        )
    # Control planes are decommissioned one at a time: from three to one, there are two for a while.
    elif count % 2 == 0 and not shrinking:
        yield fault(
            ("machines",),
            f"{count} are control planes",
            "etcd works while more than half are up, so an even count tolerates no more failures than one less",
            f"use {count - 1} or {count + 1}",
        )
    elif count > 7:
        yield fault(
            ("machines",),
            f"{count} are control planes",
            "each write to etcd waits for more than half of them",
            "use 3 or 5, at most 7",
        )


@check("machines", "talos")
def bootstrap_is_a_control_plane(p: Platform) -> Iterator[Fault]:
    """With several control planes, talos.bootstrap names one of them."""
    bootstrap = p.talos.bootstrap
    if bootstrap is None and len(p.controlplanes) > 1:
        yield fault(
            ("talos", "bootstrap"),
            f"is missing, but there are {len(p.controlplanes)} control planes",
            "etcd is bootstrapped once, on one machine, which must stay the same when others are added",
            f"write bootstrap: {p.controlplanes[0]}",
        )
    elif bootstrap is not None and bootstrap not in p.controlplanes and bootstrap not in p.leaving:
        yield fault(
            ("talos", "bootstrap"),
            f"{bootstrap!r} is {'a worker' if bootstrap in p.machines else 'not a machine'}",
            "etcd runs on control planes",
            f"write one of {', '.join(p.controlplanes) or 'the control planes'}",
        )


@check("machines", "talos")
def workloads_have_a_machine(p: Platform) -> Iterator[Fault]:
    """There is a worker, or control planes run workloads."""
    if p.machines and p.controlplanes and not p.schedulable and not any(m.role == "worker" for m in p.leaving.values()):
        yield fault(
            ("talos", "schedulable_control_planes"),
            "is false, and no machine is a worker",
            "no machine could run workloads",
            "write schedulable_control_planes: true, or add a worker",
        )
