"""A snapshot of a VM that is made, and a VM that is set back to one."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from core.manifests.objects import LABEL
from core.model import Platform
from core.model.claims import claims

from .cluster import Object, Refused, Say, Vm, merging

_API = "snapshot.kubevirt.io/v1beta1"
_SOURCE = {"apiGroup": "kubevirt.io", "kind": "VirtualMachine"}
SECONDS = 600.0
"""How long a snapshot or a restore may take."""
PAUSE_SECONDS = 1.0


def snapshot(platform: Platform, vm: Vm, wanted: str | None, say: Say) -> str:
    """Make a snapshot of all disks of a VM, and wait until it can be used. Yields its name. Raises Refused."""
    without = list(_without_snapshots(platform, vm.name))
    if without:
        raise Refused(
            f"VM {vm.name} can't have snapshots, because {' and '.join(without)}; a snapshot without a disk would "
            "restore half a machine; use a class with snapshots for all its disks"
        )
    if vm.machine() is None:
        raise Refused(f"there is no VM {vm.name} in the namespace {vm.namespace}; make it first: ./bedplate up STACK")
    name = wanted or f"{vm.name}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    if vm.snapshot(name) is not None:
        raise Refused(f"there is a snapshot {name} already; name another one")
    say(f"snapshot {name} of VM {vm.name}: its disks are saved" + (", while it runs" if vm.runs() else ""))
    vm.make(
        {
            "apiVersion": _API,
            "kind": "VirtualMachineSnapshot",
            "metadata": {"name": name, "namespace": vm.namespace, "labels": {LABEL: vm.name}},
            "spec": {"source": {**_SOURCE, "name": vm.name}},
        }
    )
    made = _wait(lambda: vm.snapshot(name), "readyToUse", f"snapshot {name}", vm)
    for line in _about(made):
        say(line)
    return name


def _without_snapshots(platform: Platform, name: str) -> Iterator[str]:
    """Which disks of a VM have no snapshots, one clause each, as far as the stack file says."""
    if platform.vms[name].disk is None:
        yield "it keeps nothing"
    for each in claims(platform, name):
        known = platform.storage_classes.get(each.storage_class or "") if each.is_made else None
        if known is not None and known.snapshots is None:
            yield f"the class {known.name} of its disk {each.disk} has none"


def _about(made: Object) -> Iterator[str]:
    """What is worth to know of a snapshot, one line each. Raises Refused for one that lacks a disk."""
    status, name = made.get("status") or {}, made["metadata"]["name"]
    left_out = (status.get("snapshotVolumes") or {}).get("excludedVolumes") or []
    if left_out:
        raise Refused(
            f"snapshot {name} lacks {', '.join(map(str, left_out))}, so it would restore half a machine; delete it: "
            f"kubectl delete vmsnapshot {name} -n {made['metadata']['namespace']}, and use a class with snapshots for "
            "all disks"
        )
    indications = set(map(str, status.get("indications") or []))
    if "NoGuestAgent" in indications:
        yield "the guest has no agent that writes out its files first: what is restored is as after a loss of power"
    if indications & {"QuiesceFailed", "QuiesceTimeout"}:
        yield "the guest's agent did not write out its files: what is restored is as after a loss of power"
    yield f"snapshot {name} can be used"


def restore(vm: Vm, wanted: str, yes: bool, say: Say) -> None:
    """Set all disks of a VM that is stopped back to a snapshot, in their place. Raises Refused."""
    made = vm.snapshot(wanted)
    known = [str(each["metadata"]["name"]) for each in vm.snapshots()]
    if made is None or wanted not in known:
        there = f"there are: {', '.join(known)}" if known else f"make one: ./bedplate vm STACK snapshot {vm.name}"
        raise Refused(f"VM {vm.name} has no snapshot {wanted}; {there}")
    if not (made.get("status") or {}).get("readyToUse"):
        raise Refused(f"snapshot {wanted} is not complete; wait for it, or choose another one: {', '.join(known)}")
    before = vm.machine()
    if before is None:
        raise Refused(f"there is no VM {vm.name} in the namespace {vm.namespace}; make it first: ./bedplate up STACK")
    if vm.runs():
        raise Refused(
            f"VM {vm.name} runs, and its disks are in use; write running: false for it and run ./bedplate up STACK, "
            "then restore it, remove running, and run up"
        )
    list(_about(made))
    taken = str(made["metadata"].get("creationTimestamp"))
    say(f"VM {vm.name}: its disks are set back to {wanted} of {taken}; what was written since is deleted")
    if not yes:
        say(f"nothing was changed; do it: ./bedplate vm STACK restore {vm.name} {wanted} --yes")
        return
    name = f"{vm.name}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    vm.make(
        {
            "apiVersion": _API,
            "kind": "VirtualMachineRestore",
            "metadata": {"name": name, "namespace": vm.namespace, "labels": {LABEL: vm.name}},
            "spec": {
                "target": {**_SOURCE, "name": vm.name},
                "virtualMachineSnapshotName": wanted,
                # A VM that has started in the meantime is left alone.
                "targetReadinessPolicy": "FailImmediate",
                # The claims keep their names, so that the next `up` finds what it made.
                "volumeRestorePolicy": "InPlace",
                "volumeOwnershipPolicy": "None",
            },
        }
    )
    _wait(lambda: vm.restoring(name), "complete", f"restore {name}", vm)
    _declared(vm, before, say)
    say(f"VM {vm.name} is as in {wanted}; start it: remove running: false, and run ./bedplate up STACK")


def _declared(vm: Vm, before: Object, say: Say) -> None:
    """Give the VM the settings that it had: a restore brings those of its snapshot, which no plan would show."""
    now = vm.machine() or {}
    patch = merging(now.get("spec"), before.get("spec"))
    if patch:
        vm.change({"spec": patch})
        say("its settings stay as the stack file has them, and not as they were then")


def _wait(read: Callable[[], Object | None], key: str, what: str, vm: Vm) -> Object:
    """The object once its status says so. Raises Refused where it failed, or after SECONDS."""
    start = time.monotonic()
    while True:
        found = read() or {}
        status = found.get("status") or {}
        if status.get(key) is True:
            return found
        words = _words(status)
        failed = status.get("phase") == "Failed" or any(
            each.get("type") == "Failure" and each.get("status") == "True" for each in status.get("conditions") or []
        )
        if failed or time.monotonic() - start >= SECONDS:
            how = "failed" if failed else f"is not done after {SECONDS:.0f} s"
            raise Refused(
                f"{what} of VM {vm.name} {how}: {words or 'KubeVirt says nothing of it'}; look at it with: kubectl "
                f"describe vmsnapshots,vmrestores -n {vm.namespace}"
            )
        time.sleep(PAUSE_SECONDS)


def _words(status: Object) -> str:
    """What KubeVirt says of what it does, or of why it fails."""
    error = (status.get("error") or {}).get("message")
    said = [str(each.get("message") or each.get("reason") or "") for each in status.get("conditions") or []]
    return str(error or next((each for each in reversed(said) if each), ""))


def exported(platform: Platform, vm: Vm, disk: str, snapshot: str | None) -> tuple[str, str]:
    """The name of an export of a disk, and of the volume in it. Raises Refused for one that would not begin."""
    if platform.kubevirt is None or not platform.kubevirt.exports:
        raise Refused("kubevirt.exports is not set, so KubeVirt hands out no disks; write exports: true, and run up")
    known = {each.disk: each.name for each in claims(platform, vm.name)}
    if disk not in known:
        raise Refused(f"VM {vm.name} has no disk {disk}; there are: {', '.join(known) or 'none'}")
    export = f"{vm.name}-{disk}-export"
    if snapshot is None:
        if vm.runs():
            raise Refused(
                f"VM {vm.name} runs, and a disk in use is not handed out; stop it, or make a snapshot and export that: "
                f"./bedplate vm STACK export {vm.name} FILE.img.gz --snapshot SNAPSHOT"
            )
        return export, known[disk]
    if snapshot not in (names := [str(each["metadata"]["name"]) for each in vm.snapshots()]):
        raise Refused(f"VM {vm.name} has no snapshot {snapshot}; there are: {', '.join(names) or 'none'}")
    # Source: kubevirt/kubevirt v1.8.4, pkg/storage/export/export/vmsnapshot-source.go, the claim of an export.
    return export, f"{export}-{known[disk]}"
