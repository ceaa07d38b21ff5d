"""Disks on volumes that nodes share: a machine moves while it runs, and another is made from a snapshot of its disk.

The class is one that the cluster has from elsewhere (lab/shared_storage.py): the stack file only names it.
"""

from functools import partial
from typing import Any

import yaml

from lab import shared_storage, virtualization
from lab.rehearsal import Rehearsal
from lab.shared_storage import CLASS, STACK
from lab.shown import see
from lab.waiting import wait_for

from . import disks, machines, shared_volumes

# The machine that moves, and the one that is made from a snapshot of its disk.
MOVES, RESTORED = "moves", "restored"
SPACE = "vms"


def enabled(rehearsal: Rehearsal) -> bool:
    """Whether the platform has virtual machines, and nodes that share volumes."""
    return disks.enabled(rehearsal) and shared_volumes.enabled(rehearsal)


def shown(rehearsal: Rehearsal) -> None:
    """A machine on a shared block volume moves live where there is another node, and its snapshot starts another."""
    shared_storage.install(rehearsal.clients, rehearsal.binaries)
    source = virtualization.disks(rehearsal.layout, rehearsal.topology, rehearsal.binaries)["qcow2"]
    rehearsal.platform["storage"].setdefault("classes", {})[CLASS] = STACK
    facts: dict[str, Any] = {"up_seconds": _with(rehearsal, MOVES, {"http": source})}
    facts["volume"] = _volume(rehearsal, MOVES)
    machines.ask(rehearsal, MOVES, disks.MARKER)
    _snapshot(rehearsal, MOVES)
    if len(rehearsal.clients.ready()) > 1:
        facts["moved"] = _moved(rehearsal, MOVES)
    facts["restored_up_seconds"] = _with(rehearsal, RESTORED, {"snapshot": {"name": MOVES, "namespace": SPACE}})
    facts["restored"] = machines.ask(rehearsal, RESTORED)
    see(f"marker={disks.MARKER}" in facts["restored"], f"{RESTORED} lacks what {MOVES} wrote: {facts['restored']}")
    rehearsal.engine.run("preview", "--expect-no-changes", seconds=120)
    rehearsal.clients.kube("delete", "volumesnapshot", MOVES, f"--namespace={SPACE}", seconds=60)
    for name in (MOVES, RESTORED):
        del rehearsal.platform["vms"][name]
    rehearsal.engine.write(rehearsal.platform)
    rehearsal.update(seconds=600)
    rehearsal.times.fact("shared_disks", facts)


def _with(rehearsal: Rehearsal, name: str, source: dict[str, Any]) -> float:
    """The seconds of the `up` that makes a machine whose disk is filled from there, which runs and answers."""
    disk = {"size": "256Mi", "class": CLASS, "from": source, "keep": False}
    vms = rehearsal.platform.setdefault("vms", {})
    vms[name] = {"cpu": 1, "memory": "256Mi", "ports": [80], "disk": disk}
    rehearsal.engine.write(rehearsal.platform)
    run = rehearsal.update(seconds=900)
    rehearsal.times.say(f"  {name}: {machines.boots(rehearsal, name)}")
    return run.seconds


def _volume(rehearsal: Rehearsal, name: str) -> str:
    """The access and volume mode of a machine's claim, which are the first of the class."""
    spec = rehearsal.clients.get("persistentvolumeclaim", name, f"--namespace={SPACE}")["spec"]
    see(
        (spec["accessModes"], spec["volumeMode"], spec["storageClassName"]) == (["ReadWriteMany"], "Block", CLASS),
        f"the disk of {name} is another volume than the class proposes: {spec}",
    )
    return f"{spec['accessModes'][0]} {spec['volumeMode']}"


def _snapshot(rehearsal: Rehearsal, name: str) -> None:
    spec = {"volumeSnapshotClassName": CLASS, "source": {"persistentVolumeClaimName": name}}
    manifest = {
        "apiVersion": "snapshot.storage.k8s.io/v1",
        "kind": "VolumeSnapshot",
        "metadata": {"name": name, "namespace": SPACE},
        "spec": spec,
    }
    rehearsal.clients.kube("create", "--filename=-", stdin=yaml.safe_dump(manifest))
    wait_for(f"the snapshot of {name}", partial(_ready, rehearsal, name), seconds=120, every=1)


def _ready(rehearsal: Rehearsal, name: str) -> bool:
    found = rehearsal.clients.get("volumesnapshot", name, f"--namespace={SPACE}")
    return bool(found.get("status", {}).get("readyToUse"))


def _moved(rehearsal: Rehearsal, name: str) -> dict[str, str]:
    """From where to where a machine moved while its guest ran."""
    before, said = machines.instance(rehearsal, name), machines.ask(rehearsal, name)
    manifest = {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstanceMigration",
        "metadata": {"name": name, "namespace": SPACE},
        "spec": {"vmiName": name},
    }
    rehearsal.clients.kube("create", "--filename=-", stdin=yaml.safe_dump(manifest))
    phase = wait_for(f"{name} to move", partial(_ended, rehearsal, name), seconds=300, every=1)
    after = machines.instance(rehearsal, name)
    see(phase == "Succeeded", f"{name} did not move: {after['status'].get('migrationState')}")
    here, there = before["status"]["nodeName"], after["status"]["nodeName"]
    see(before["metadata"]["uid"] == after["metadata"]["uid"] and here != there, f"{name} was started again: {after}")
    now = wait_for(f"an answer of {name}", partial(machines.ask, rehearsal, name), seconds=120, every=1)
    see("boots=1 " in f"{now} " and "boots=1 " in f"{said} ", f"{name} booted again: {said}, and then {now}")
    rehearsal.times.say(f"  {name}: {here} -> {there}, {now}")
    return {"from": here, "to": there}


def _ended(rehearsal: Rehearsal, name: str) -> str:
    found = rehearsal.clients.get("virtualmachineinstancemigration", name, f"--namespace={SPACE}")
    phase = str(found.get("status", {}).get("phase", ""))
    return phase if phase in {"Succeeded", "Failed"} else ""
