"""Disks that stay: filled from an image by https, and kept over a stop and over the end of their machine."""

from functools import partial
from typing import Any

from lab import virtualization
from lab.rehearsal import Rehearsal
from lab.shown import see
from lab.waiting import wait_for

from . import machines, texts

# The machine that is made from each format of the guest's disk.
FORMATS = {"from-qcow2": "qcow2", "from-vmdk": "vmdk"}
ALTERED = "altered"
# What CDI reports. Source: kubevirt/containerized-data-importer v1.65.0, pkg/importer.
MISMATCH = "checksum mismatch: expected"
MARKER = "written-by-the-rehearsal"


def enabled(rehearsal: Rehearsal) -> bool:
    """Whether the platform has virtual machines and a place for their disks."""
    return rehearsal.virtual and "local" in (rehearsal.committed.get("storage") or {})


def shown(rehearsal: Rehearsal) -> None:
    """Two machines boot from imported disks, and one keeps what it wrote. An image with another checksum is refused."""
    disks = virtualization.disks(rehearsal.layout, rehearsal.topology, rehearsal.binaries)
    vms = rehearsal.platform.setdefault("vms", {})
    facts: dict[str, Any] = {"refused": _refused(rehearsal, disks["qcow2"])}
    for name, kind in FORMATS.items():
        vms[name] = _vm(disks[kind])
    rehearsal.engine.write(rehearsal.platform)
    run = rehearsal.update(seconds=900)
    for name in FORMATS:
        facts[name] = machines.boots(rehearsal, name)
        see(" BOOTS 1 " in f" {facts[name]} ", f"{name} did not boot from a new disk: {facts[name]}")
    kept = next(iter(FORMATS))
    machines.ask(rehearsal, kept, MARKER)
    facts["after_a_stop"] = _stopped_and_started(rehearsal, kept)
    rehearsal.clients.kube("delete", "virtualmachineinstance", kept, "--namespace=vms", seconds=240)
    facts["after_the_end_of_its_instance"] = _kept(rehearsal, kept, 3)
    rehearsal.engine.run("preview", "--expect-no-changes", seconds=120)
    rehearsal.times.fact("disks", {**facts, "up_seconds": run.seconds})


def _vm(source: dict[str, str]) -> dict[str, Any]:
    # Whatever the rehearsal makes, its destroy deletes.
    disk = {"size": "256Mi", "from": {"http": source}, "keep": False}
    return {"cpu": 1, "memory": "256Mi", "ports": [80], "disk": disk}


def _refused(rehearsal: Rehearsal, source: dict[str, str]) -> str:
    """The line by which an `up` refuses an image with another checksum than the stack file has."""
    vms = rehearsal.platform["vms"]
    vms[ALTERED] = _vm({**source, "checksum": f"sha256:{'0' * 64}"})
    rehearsal.engine.write(rehearsal.platform)
    run = rehearsal.engine.run(
        "up", "--yes", "--skip-preview", "--continue-on-error", seconds=900, say=rehearsal.line, check=False
    )
    named = f"disk root of VM {ALTERED} {texts.NOT_FILLED}"
    line = next((each for each in run.text.splitlines() if named in each and MISMATCH in each), "")
    see(run.code != 0 and line, f"an image with another checksum was not refused by name: {run.text[-3000:]}")
    rehearsal.times.say(f"  {line.strip()[:300]}")
    del vms[ALTERED]
    return line.strip()


def _stopped_and_started(rehearsal: Rehearsal, name: str) -> str:
    vm = rehearsal.platform["vms"][name]
    for running in (False, True):
        vm["running"] = running
        rehearsal.engine.write(rehearsal.platform)
        rehearsal.update(seconds=300)
        if not running:
            wait_for(f"{name} to stop", lambda: _gone(rehearsal, name), seconds=240, every=2)
    return _kept(rehearsal, name, 2)


def _gone(rehearsal: Rehearsal, name: str) -> bool:
    found = rehearsal.clients.get("virtualmachineinstances", "--namespace=vms")["items"]
    return name not in {each["metadata"]["name"] for each in found}


def _kept(rehearsal: Rehearsal, name: str, times: int) -> str:
    """The guest's answer once its disk was booted so often, with what was written to it."""

    def answer() -> str:
        said = machines.ask(rehearsal, name)
        return said if f"boots={times} " in said else ""

    wait_for(f"the virtual machine {name} to run", partial(machines.ready, rehearsal, name), seconds=300, every=2)
    said = wait_for(f"the {times}. start of {name}", answer, seconds=180, every=2)
    see(f"marker={MARKER}" in said, f"{name} lost what it had written: {said}")
    rehearsal.times.say(f"  {name}: {said}")
    return said
