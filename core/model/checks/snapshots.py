"""Snapshots of etcd: when and where to."""

from collections.abc import Iterator

from core.model.faults import Fault, fault
from core.model.platform import Platform

from .registry import check

_PATH = ("talos", "snapshots")
_STORE = "write nfs: {server: …, path: …}, or claim: NAME"


@check("talos")
def schedule_has_a_store(p: Platform) -> Iterator[Fault]:
    """snapshots.schedule and snapshots.to are set together, and `to` is one store."""
    schedule, to = p.talos.snapshots.schedule, p.talos.snapshots.to
    if to is not None and (to.nfs is None) == (to.claim is None):
        yield fault(
            (*_PATH, "to"), "does not set exactly one of nfs and claim", "a snapshot is written to one place", _STORE
        )
    if schedule is not None and to is None:
        yield fault(
            (*_PATH, "to"),
            "is missing, but there is a schedule",
            "a snapshot that is stored inside the cluster would be lost with it",
            _STORE,
        )
    if to is not None and schedule is None:
        yield fault(
            (*_PATH, "schedule"),
            "is missing, but snapshots.to is set",
            "no snapshot would ever be taken",
            'write schedule: "0 */6 * * *", or remove to',
        )


@check("talos")
def folder_is_used(p: Platform) -> Iterator[Fault]:
    """snapshots.folder is for snapshots before upgrades."""
    if p.talos.snapshots.folder is not None and not p.talos.snapshots.before_upgrades:
        yield fault(
            (*_PATH, "folder"),
            "is set, but before_upgrades is false",
            "no snapshot would ever be written to it",
            "remove one of the two",
        )
