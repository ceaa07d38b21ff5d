"""Decommissioning: `wipe` of a healthy machine, `lost` of a dead machine, and a machine that joins again afterwards."""

import os
import signal
from typing import Any

from lab.rehearsal import Rehearsal
from lab.shown import see
from lab.waiting import wait_for

from . import texts


def a_worker(rehearsal: Rehearsal) -> None:
    """A worker is drained, erased and removed from the state and the file. It comes back as a new machine."""
    # The worker with the most pods, because a worker that joined late may run none.
    name = max(_workers(rehearsal), key=lambda worker: len(_pods_on(rehearsal, worker)))
    declared = dict(rehearsal.platform["machines"][name])
    moved = _pods_on(rehearsal, name)
    see(moved, f"{name} runs no pod that could move")
    _leave(rehearsal, name, "wipe")
    _is_off_and_empty(rehearsal, name)
    rehearsal.times.fact("moved_from_a_worker", sorted(moved))
    _forget(rehearsal, name)
    rehearsal.platform["machines"][name] = declared
    rehearsal.engine.write(rehearsal.platform)
    rehearsal.lab.start_node(name)
    at = rehearsal.topology.machine(name).address
    wait_for(f"{name}: the maintenance API at {at}", lambda: rehearsal.clients.maintenance(at), seconds=60)
    rehearsal.update(seconds=300)
    wait_for(f"{name} Ready as a new machine", lambda: name in rehearsal.clients.ready(), seconds=120, every=1)


def a_lost_worker(rehearsal: Rehearsal) -> None:
    """`lost` is refused while the machine answers. Without power, it gets no request and leaves state and file."""
    name = max(_workers(rehearsal), key=lambda worker: len(_pods_on(rehearsal, worker)))
    rehearsal.platform["machines"][name]["decommission"] = "lost"
    rehearsal.engine.write(rehearsal.platform)
    refused = rehearsal.engine.run("up", "--yes", "--skip-preview", seconds=300, say=rehearsal.line, check=False)
    see(
        refused.code != 0 and texts.NOT_LOST in refused.text,
        f"an up declared a machine lost that answers: {refused.text[-2000:]}",
    )
    see(name in rehearsal.clients.ready(), f"{name}: the refused decommission: lost removed it from the Ready nodes")
    rehearsal.lab.stop_node(name)
    _leave(rehearsal, name, "lost")
    _forget(rehearsal, name)


def control_planes(rehearsal: Rehearsal) -> None:
    """Three control planes become one, one `up` after the other.

    A plan refuses to decommission two at once, and to delete a machine's entry alone. The first machine's `up` is
    killed at each of its steps, and run again.
    """
    planes = [m.name for m in rehearsal.topology.machines if m.role == "controlplane" and m.address != rehearsal.first]
    first, second = planes[-1], planes[-2]
    whole = rehearsal.platform["machines"]
    rehearsal.platform["machines"] = {
        n: {**m, **({"decommission": "wipe"} if n in planes else {})} for n, m in whole.items()
    }
    _refused(rehearsal, texts.SEVERAL_AT_ONCE)
    rehearsal.platform["machines"] = {n: m for n, m in whole.items() if n not in planes}
    _refused(rehearsal, texts.NOT_DECOMMISSIONED)
    rehearsal.platform["machines"] = whole
    for name in (first, second):
        if name == first:
            rehearsal.times.fact("killed_while_leaving", _killed(rehearsal, name))
        _leave(rehearsal, name, "wipe")
        members = rehearsal.clients.talos("etcd", "members", "--nodes", rehearsal.first)
        see(name not in members, f"{name} is still a member of etcd: {members}")
        see("true" not in [line.split()[-1] for line in members.splitlines()[1:]], f"a member is learning: {members}")
        rehearsal.clients.kube("get", "--raw=/readyz")
        _is_off_and_empty(rehearsal, name)
    _forget(rehearsal, first, second)
    rehearsal.times.fact("control_planes_left", [first, second])


def _killed(rehearsal: Rehearsal, name: str) -> list[str]:
    """Kill an `up` with SIGKILL at each step of the decommissioning in turn. Returns the steps."""
    rehearsal.platform["machines"][name]["decommission"] = "wipe"
    rehearsal.engine.write(rehearsal.platform)
    met: list[str] = []
    for _ in texts.LEAVING:
        engine: list[int] = []
        dead: list[str] = []

        def started(process: Any, engine: list[int] = engine) -> None:
            engine.append(process.pid)

        def heard(line: str, engine: list[int] = engine, dead: list[str] = dead) -> None:
            for step in texts.LEAVING:
                if not dead and step in line and step not in met:
                    dead.append(step)
                    met.append(step)
                    os.killpg(engine[0], signal.SIGKILL)

        run = rehearsal.engine.run(
            "up", "--yes", "--skip-preview", seconds=600, check=False, started=started, say=heard
        )
        see(dead or run.code == 0, f"an up that was not killed ended with {run.code}: {run.text[-2000:]}")
        rehearsal.times.say(f"  killed at: {dead[0]}" if dead else "  not killed: the run had ended")
        rehearsal.engine.run("cancel", "--yes", seconds=60, config=False, check=False)
        if not dead:
            break
    see(len(met) >= 3, f"the up was killed only at {met}")
    return met


def _leave(rehearsal: Rehearsal, name: str, how: str) -> None:
    """Decommission the machine with one `up`; a second `up` must change nothing."""
    rehearsal.platform["machines"][name]["decommission"] = how
    rehearsal.engine.write(rehearsal.platform)
    begun = rehearsal.times.now
    rehearsal.update(seconds=600)
    rehearsal.times.fact(f"{name}_{how}_seconds", round(rehearsal.times.now - begun, 1))
    nodes = {node["metadata"]["name"] for node in rehearsal.clients.get("nodes")["items"]}
    see(name not in nodes, f"{name} left the platform, but its Node still exists")
    rehearsal.update("--expect-no-changes", seconds=180)
    rehearsal.engine.run("preview", "--expect-no-changes", seconds=120)


def _forget(rehearsal: Rehearsal, *names: str) -> None:
    """Delete the machines' entries from the stack file: the `up` succeeds, and the state has no resource of them."""
    for name in names:
        del rehearsal.platform["machines"][name]
    rehearsal.engine.write(rehearsal.platform)
    rehearsal.update(seconds=300)
    rehearsal.update("--expect-no-changes", seconds=180)
    left = [
        one["urn"]
        for one in rehearsal.engine.state()
        for name in names
        if one["urn"].endswith((f"-{name}", f"-{name}-decommission", f"-{name}-member"))
    ]
    see(not left, f"the state still has resources of {', '.join(names)}: {left}")


def _refused(rehearsal: Rehearsal, why: str) -> None:
    rehearsal.engine.write(rehearsal.platform)
    run = rehearsal.engine.run("preview", seconds=120, check=False)
    see(run.code != 0 and why in run.text, f"a plan was not refused with {why!r}: {run.text[-2000:]}")


def _is_off_and_empty(rehearsal: Rehearsal, name: str) -> None:
    wait_for(f"{name} off", lambda: not rehearsal.lab.nodes()[name]["running"], seconds=60, every=1)
    wait_for(
        f"{name}'s volumes empty",
        lambda: not (rehearsal.layout.node(name) / "volumes").exists() or rehearsal.runtime,
        seconds=20,
    )


def _workers(rehearsal: Rehearsal) -> list[str]:
    return [name for name, machine in rehearsal.platform["machines"].items() if machine["role"] == "worker"]


def _pods_on(rehearsal: Rehearsal, name: str) -> set[str]:
    pods = rehearsal.clients.get("pods", "--all-namespaces", f"--field-selector=spec.nodeName={name}")["items"]
    owners = {
        pod["metadata"]["name"]: [owner["kind"] for owner in pod["metadata"].get("ownerReferences", [])] for pod in pods
    }
    return {pod for pod, kinds in owners.items() if "ReplicaSet" in kinds}
