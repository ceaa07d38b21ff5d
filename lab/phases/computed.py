"""What the plan computes of each machine is what it runs: flags of its programs, and the kubelet's settings."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from core.effective import Effective, effective
from core.model import parse
from lab import prepare
from lab.rehearsal import Rehearsal
from lab.shown import see
from lab.waiting import wait_for

# How etcd joins the others depends on what is on its disk.
_JOINING = frozenset({"initial-cluster", "initial-cluster-state", "initial-advertise-peer-urls"})
# A node that is a container may change no kernel parameter, and lies beneath other cgroups.
# Source: siderolabs/talos, kubelet_spec.go, ModeContainer, and internal/pkg/cgroup.
_OF_CONTAINERS = frozenset({"protectKernelDefaults", "cgroupRoot", "systemCgroups", "kubeletCgroups"})
# Settings that the kubelet does not report.
_UNTOLD = frozenset({"apiVersion", "kind"})
_FLAG = re.compile(r"--([a-z0-9-]+)(?:=(\S*))?")


def as_computed(rehearsal: Rehearsal) -> None:
    """Each flag of each program and each setting of each kubelet, on each machine, in both directions."""
    platform = parse(rehearsal.platform)
    release = {"version": prepare.versions().talos}
    running = platform.model_copy(update={"talos": platform.talos.model_copy(update=release)})
    flags = settings = 0
    for machine in rehearsal.topology.machines:
        computed = effective(running, machine.name)
        wait_for(f"the programs of {machine.name}", partial(_all_run, rehearsal, computed, machine.address), seconds=60)
        different = [*_flags(computed, _programs(rehearsal, machine.address)), *_settings(computed, rehearsal)]
        see(not different, f"{machine.name} runs something else than the plan computes:\n" + "\n".join(different))
        flags += sum(len(program.flags) for program in computed.programs.values())
        settings += len(computed.kubelet)
    rehearsal.times.say(f"  {flags} flags and {settings} settings of kubelets are as the plan computes them")


def _all_run(rehearsal: Rehearsal, computed: Effective, address: str) -> bool:
    return set(computed.programs) <= set(_programs(rehearsal, address))


def _programs(rehearsal: Rehearsal, address: str) -> dict[str, dict[str, list[str]]]:
    """Program to the flags of its process, each with its values."""
    found = {}
    for line in rehearsal.clients.talos("processes", "--nodes", address).splitlines():
        command = line.split(" --", 1)[0].split()
        name = command[-1].rpartition("/")[2] if command else ""
        if " --" in line and name not in found:
            found[name] = _values(line)
    return found


def _values(line: str) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for name, value in _FLAG.findall(line):
        values.setdefault(name, []).append(value)
    # Without a value it means true.
    return {name: sorted({each or "true" for each in several}) for name, several in values.items()}


def _flags(computed: Effective, running: Mapping[str, Mapping[str, list[str]]]) -> Iterator[str]:
    for program in computed.programs.values():
        there = running[program.name]
        wanted = {name: sorted(set(flag.values)) for name, flag in program.flags.items() if flag.values}
        for name in sorted({*wanted, *there} - (_JOINING if program.name == "etcd" else frozenset())):
            if wanted.get(name) != there.get(name):
                yield f"  {program.name} --{name}: computed {wanted.get(name)}, runs {there.get(name)}"


def _settings(computed: Effective, rehearsal: Rehearsal) -> Iterator[str]:
    answer = rehearsal.clients.kube("get", "--raw", f"/api/v1/nodes/{computed.name}/proxy/configz")
    there = json.loads(answer)["kubeletconfig"]
    for name, value in computed.kubelet.items():
        if name not in _OF_CONTAINERS | _UNTOLD and not _within(value, there.get(name)):
            yield f"  kubelet {name}: computed {value}, runs {there.get(name)}"


def _within(wanted: Any, there: Any) -> bool:
    """Whether a value is there, beside which the kubelet may have defaults of its own."""
    if isinstance(wanted, Mapping):
        return isinstance(there, Mapping) and all(_within(value, there.get(name)) for name, value in wanted.items())
    # The kubelet does not report a setting that is zero.
    return bool(wanted == there or (there is None and not wanted))
