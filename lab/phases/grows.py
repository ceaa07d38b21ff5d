"""A machine that grows while it runs: it gets another processor and more memory, and its guest is not started again.

The guest's memory is what the guest itself has. Its processors are what KubeVirt reports: without KVM, Linux takes the
machine for bare metal, and uses none that is added (arch/x86/kernel/cpu/topology.c).
"""

from typing import Any

from lab.rehearsal import Rehearsal
from lab.shown import see
from lab.waiting import wait_for

from . import machines, moves

NAME = "grows"
# KubeVirt adds memory to guests that have 1 GiB or more.
BEFORE: dict[str, Any] = {"cpu": {"sockets": 1, "max": 2}, "memory": {"size": "1Gi", "max": "2Gi"}}
AFTER: dict[str, Any] = {"cpu": {"sockets": 2, "max": 2}, "memory": {"size": "1536Mi", "max": "2Gi"}}
# Of 1,536 MiB, in KiB, a kernel shows its programs most.
_GROWN = 1300 * 1024


def shown(rehearsal: Rehearsal) -> None:
    """A machine with room to grow gets a second socket and half of its memory again, by the stack file."""
    vms = rehearsal.platform["vms"]
    image = next(vm["image"] for vm in vms.values() if vm.get("image"))
    vms[NAME] = {"ephemeral": True, "image": image, "ports": [80], **BEFORE}
    rehearsal.engine.write(rehearsal.platform)
    rehearsal.update(seconds=300)
    before = {NAME: moves.seen(rehearsal, [NAME])[NAME]}
    small = machines.answers(rehearsal, NAME)
    see(int(small["memory"]) < _GROWN, f"{NAME} was not made as it is declared: {small}")
    vms[NAME] |= AFTER
    rehearsal.engine.write(rehearsal.platform)
    run = rehearsal.update(seconds=300)
    grown = wait_for(f"{NAME} to have grown", lambda: _grown(rehearsal), seconds=600, every=2)
    conditions = rehearsal.clients.get("virtualmachine", NAME, "--namespace=vms")["status"].get("conditions", [])
    waiting = [each for each in conditions if each["type"] == "RestartRequired" and each["status"] == "True"]
    see(not waiting, f"{NAME} has grown, and is to be started again all the same: {waiting}")
    moves.settled(rehearsal)
    rehearsal.times.fact("grows", {"from": small, "to": grown, "up": run.seconds, **moves.went_on(rehearsal, before)})
    del vms[NAME]
    rehearsal.engine.write(rehearsal.platform)
    rehearsal.update(seconds=300)


def _grown(rehearsal: Rehearsal) -> dict[str, str] | None:
    """What the guest says of itself, once it has the memory and its machine another processor."""
    said = machines.answers(rehearsal, NAME)
    sockets = machines.instance(rehearsal, NAME)["status"].get("currentCPUTopology", {}).get("sockets")
    return said if sockets == AFTER["cpu"]["sockets"] and int(said["memory"]) > _GROWN else None
