"""A dead machine is fenced: off for certain by its BMC, then the taint, and what ran there starts elsewhere."""

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from core.native.metal import POWER
from lab import bmc, network
from lab.rehearsal import Rehearsal
from lab.shown import see
from lab.waiting import wait_for
from operations.fence.cluster import KEY, TAINT

from . import machines, moves

# What the command says once the BMC has reported twice that the machine is off, and once the taint is set.
OFF, TAINTED = "is off: its BMC reported it twice", f"has got the taint {TAINT}"


def shown(rehearsal: Rehearsal) -> None:
    """A worker is cut off while its guests run on: fence switches it off, and only then they start elsewhere."""
    before = moves.seen(rehearsal)
    dead = moves.fullest(rehearsal, before)
    lost = [name for name, each in before.items() if each.node == dead]
    password = secrets.token_urlsafe(16)
    with bmc.running(rehearsal.lab, password) as url, _recorded(rehearsal, dead, url, password):
        alive = _fence(rehearsal, dead, "--yes")
        see(alive.returncode == 2 and "is alive" in alive.stderr, f"fence did not refuse {dead}, which runs: {alive}")
        _cut(rehearsal, dead)
        plan = wait_for(f"{dead} to be silent", partial(_planned, rehearsal, dead), seconds=240, every=5)
        see(_on(rehearsal, dead), f"{dead} was switched off without --yes")
        took = _fenced(rehearsal, dead)
        after = {name: _elsewhere(rehearsal, name, before[name].instance, dead) for name in lost}
        for name, now in after.items():
            rehearsal.times.say(f"  {name}: {dead} -> {now.node}, its guest up for {now.uptime:.0f} s")
        rehearsal.lab.start_node(dead)
        names = {machine.name for machine in rehearsal.topology.machines}
        wait_for(f"{dead} Ready again", lambda: rehearsal.clients.ready() == names, seconds=300, every=1)
        back = _fence(rehearsal, dead, "--return", "--yes")
        see(back.returncode == 0 and not _tainted(rehearsal, dead), f"{dead} did not return: {back}")
    rehearsal.engine.run("preview", "--expect-no-changes", seconds=120)
    machines_now = {name: each.node for name, each in after.items()}
    rehearsal.times.fact("fence", {"machine": dead, "planned": plan, "said": took, "machines": machines_now})


def _fence(rehearsal: Rehearsal, name: str, *more: str) -> subprocess.CompletedProcess[str]:
    """`./bedplate fence` with the rehearsed stack file and its state."""
    return rehearsal.lab.run(
        [sys.executable, "-m", "operations.fence", rehearsal.stack, name, *more, "--file", str(rehearsal.engine.file)],
        seconds=180,
        env=rehearsal.engine.environment,
        cwd=rehearsal.checkout,
        check=False,
    )


def _planned(rehearsal: Rehearsal, name: str) -> list[str]:
    """What fence would do, in lines, once it takes the machine for dead."""
    done = _fence(rehearsal, name)
    return done.stdout.splitlines() if done.returncode == 0 else []


def _fenced(rehearsal: Rehearsal, name: str) -> list[str]:
    done = _fence(rehearsal, name, "--yes")
    said = done.stdout.splitlines()
    for line in said:
        rehearsal.times.say(f"  {line}")
    order = [next((at for at, line in enumerate(said) if text in line), -1) for text in (OFF, TAINTED)]
    see(done.returncode == 0 and 0 <= order[0] < order[1], f"{name} was not fenced: {done}")
    see(not _on(rehearsal, name) and _tainted(rehearsal, name), f"{name} is on, or has no taint, after fence")
    return said


def _cut(rehearsal: Rehearsal, name: str) -> None:
    """Cut the machine's cable. It runs on, as do its guests: only nothing reaches it."""
    index = [machine.name for machine in rehearsal.topology.machines].index(name)
    rehearsal.lab.run(["ip", "link", "set", network.cable(index, rehearsal.topology), "down"], seconds=10)
    rehearsal.times.say(f"  {name} is cut off, and runs")


def _on(rehearsal: Rehearsal, name: str) -> bool:
    return bool(rehearsal.lab.nodes()[name]["running"])


def _tainted(rehearsal: Rehearsal, name: str) -> bool:
    taints = rehearsal.clients.get("node", name)["spec"].get("taints", [])
    return KEY in {taint["key"] for taint in taints}


def _elsewhere(rehearsal: Rehearsal, name: str, instance: str, dead: str) -> moves.Seen:
    """The machine once it runs as another instance on another node."""

    def other() -> bool:
        found = machines.instance(rehearsal, name)
        return found["metadata"]["uid"] != instance and found["status"].get("nodeName") not in (None, "", dead)

    # KubeVirt takes a node for dead when its virt-handler was silent for five minutes.
    # Source: kubevirt/kubevirt v1.8.4, pkg/virt-controller/watch/node/node.go.
    wait_for(f"{name} to start elsewhere", other, seconds=480, every=2)
    return moves.seen(rehearsal, [name])[name]


@contextmanager
def _recorded(rehearsal: Rehearsal, name: str, url: str, password: str) -> Iterator[None]:
    """Meanwhile the state has the power of a machine, as an `up` with a boot server records it. A lab has none."""
    before = rehearsal.engine.output("stack", "export")
    document = json.loads(before)
    resources = document["deployment"]["resources"]
    resources.append(_power(rehearsal, resources, name, url, password))
    rehearsal.engine.output("stack", "import", stdin=json.dumps(document))
    try:
        yield
    finally:
        rehearsal.engine.output("stack", "import", stdin=before)


def _power(rehearsal: Rehearsal, resources: list[dict[str, Any]], name: str, url: str, password: str) -> dict[str, Any]:
    stack = next(each["urn"] for each in resources if each["type"] == "pulumi:pulumi:Stack")
    provider = next(each["provider"] for each in resources if each["type"].startswith("bedplate-native:"))
    values = {
        "url": url,
        "system": name,
        "username": bmc.USER,
        "password": password,
        "ca": (rehearsal.layout.pki / "ca.crt").read_text(),
    }
    return {
        "urn": stack.rpartition("pulumi:pulumi:Stack::")[0] + f"{POWER.token}::metal-{name}",
        "custom": True,
        "id": bmc.identity(name),
        "type": POWER.token,
        "inputs": values,
        "outputs": {**values, "identity": {"uuid": bmc.identity(name), "serial": name.upper(), "macs": []}},
        "parent": stack,
        "provider": provider,
    }
