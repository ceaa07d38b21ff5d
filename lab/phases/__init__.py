"""What a rehearsal shows, before the first `up` and once the platform is up: a row for each phase, in their order."""

from collections.abc import Callable
from dataclasses import dataclass

from lab.rehearsal import Rehearsal

from . import (
    adoption,
    by_hand,
    change,
    computed,
    disks,
    fences,
    grows,
    kubernetes,
    leaving,
    loss,
    machines,
    moves,
    openings,
    policies,
    pulled,
    restore,
    serving,
    shared_volumes,
    snapshots,
    standing,
    strangers,
    turns,
)


def _always(rehearsal: Rehearsal) -> bool:
    return True


def _alone(rehearsal: Rehearsal) -> bool:
    return len(rehearsal.topology.machines) == 1


def _several(rehearsal: Rehearsal) -> bool:
    return len(rehearsal.topology.machines) >= 3


@dataclass(frozen=True)
class Phase:
    """One thing that is shown, and on which platforms."""

    name: str
    show: Callable[[Rehearsal], None]
    """Raises NotShown, or Timeout with what it waited for."""
    fits: Callable[[Rehearsal], bool] = _always


BEFORE = (Phase("a stranger in the middle", strangers.in_the_middle),)
"""With every machine in maintenance mode, and nothing in the state."""

PHASES = (
    Phase("what stands", standing.stands),
    Phase("what the plan computes", computed.as_computed),
    Phase("kubelets' certificates", serving.shown, serving.enabled),
    Phase("virtual machines", machines.run, machines.there),
    Phase("virtual machines' disks", disks.shown, disks.enabled),
    Phase("the images", pulled.as_listed),
    Phase("shared volumes", shared_volumes.shown, shared_volumes.enabled),
    Phase("up again", standing.again),
    Phase("closed namespaces", policies.closed, policies.enforced),
    Phase("node ports and addresses", openings.opened, policies.enforced),
    Phase("a stranger in its place", strangers.in_its_place),
    Phase("a change", change.change),
    Phase("restarts in turns", turns.restarts),
    Phase("virtual machines on the move", moves.shown, moves.several),
    Phase("a virtual machine that grows", grows.shown, moves.several),
    Phase("another Kubernetes", kubernetes.moved),
    Phase("an object edited by hand", by_hand.an_object),
    Phase("a machine edited by hand", by_hand.a_machine),
    Phase("no approver", serving.without_approver, serving.enabled),
    Phase("an adoption", adoption.adoption),
    Phase("a renewal", adoption.renewal),
    Phase("a snapshot on a schedule", snapshots.scheduled, _alone),
    Phase("a restore", restore.restore, _alone),
    Phase("virtual machines again", machines.again, machines.there),
    Phase("lost machines", loss.lost_power, _several),
    Phase("a dead machine fenced", fences.shown, moves.several),
    Phase("an up with machines down", loss.unreachable, _several),
    Phase("a worker decommissioned", leaving.a_worker, _several),
    Phase("a lost worker", leaving.a_lost_worker, _several),
    Phase("control planes decommissioned", leaving.control_planes, _several),
)
