"""Machines that move: a node is drained, and what runs on it goes on elsewhere without a start of its guest."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from lab.rehearsal import Rehearsal
from lab.shown import see
from lab.waiting import wait_for

from . import machines, texts

# A change that makes Talos reboot, as in turns.py: each needs a text of its own.
RESTARTS = {"machine": {"udev": {"rules": ["# bedplate rehearsal of moves"]}}}
# While a node has it, no machine starts there; the drain of another still begins.
FULL = "bedplate.rehearsal/full"


@dataclass(frozen=True)
class Seen:
    """A virtual machine at one moment: where it runs, and which start of its guest it is."""

    node: str
    instance: str
    """The uid of its VirtualMachineInstance."""
    start: str
    """The guest's own id of its start."""
    uptime: float
    """Seconds, by the guest's clock."""


def several(rehearsal: Rehearsal) -> bool:
    """Whether a virtual machine has another node to move to."""
    return len(_workers(rehearsal)) > 1 and machines.there(rehearsal)


def fullest(rehearsal: Rehearsal, there: Mapping[str, Seen]) -> str:
    """The worker that runs most of these virtual machines."""
    return max(_workers(rehearsal), key=lambda worker: sum(each.node == worker for each in there.values()))


def seen(rehearsal: Rehearsal, names: Iterable[str] = ()) -> dict[str, Seen]:
    """Each virtual machine that runs, or each of these, by its name, once it is Ready and its guest answers."""
    return {name: _seen(rehearsal, name) for name in names or machines.running(rehearsal)}


def went_on(rehearsal: Rehearsal, before: Mapping[str, Seen]) -> dict[str, Any]:
    """Each name to its nodes, `from` and `to`, and its `uptime` before and after, in seconds.

    Raises NotShown if a guest was started again.
    """
    after = {name: _seen(rehearsal, name) for name in before}
    for name, was in before.items():
        now = after[name]
        see(
            (now.instance, now.start) == (was.instance, was.start) and now.uptime > was.uptime,
            f"{name} did not go on, but was started again: {was}, and then {now}",
        )
        rehearsal.times.say(
            f"  {name}: {was.node} -> {now.node}, its guest up for {was.uptime:.0f} s and then {now.uptime:.0f} s"
        )
    return {
        name: {"from": was.node, "to": after[name].node, "uptime": [was.uptime, after[name].uptime]}
        for name, was in before.items()
    }


def shown(rehearsal: Rehearsal) -> None:
    """A worker's restart moves its machines, and waits while one can't move, which `up` names."""
    before = seen(rehearsal)
    source = fullest(rehearsal, before)
    moving = {name: each for name, each in before.items() if each.node == source}
    starts = _starts(rehearsal)
    machine = rehearsal.platform["machines"][source]
    machine["patches"] = [*machine.get("patches", []), RESTARTS]
    rehearsal.engine.write(rehearsal.platform)
    with _full(rehearsal, [worker for worker in _workers(rehearsal) if worker != source]) as held:
        watched = _Blocked(rehearsal, source, moving, held)
        rehearsal.engine.run("up", "--yes", "--skip-preview", seconds=900, say=watched.line)
    see(watched.named, f"{source} was drained while no other node took {', '.join(moving)}")
    see(watched.starts == starts, f"a node was restarted while its machines could not move: {watched.starts}")
    see(_starts(rehearsal)[source] == starts[source] + 1, f"{source} was not restarted, or more than once")
    found = went_on(rehearsal, before)
    see(all(found[name]["to"] != source for name in moving), f"a machine is on {source} again: {found}")
    for name in moving:
        _by_migration(rehearsal, name, source)
    rehearsal.times.fact("moves", {"drained": source, "blocked": watched.named, "machines": found})


class _Blocked:
    """Reads the output of an `up`, and makes room once it has named a machine that can't move."""

    def __init__(self, rehearsal: Rehearsal, source: str, moving: Mapping[str, Seen], held: list[str]) -> None:
        self._rehearsal, self._source, self._held = rehearsal, source, held
        self._names = [f"{machines.machine(rehearsal, name)['namespace']}/{name}{texts.STAYS}" for name in moving]
        self.named = ""
        self.starts: dict[str, int] = {}

    def line(self, line: str) -> None:
        """One line of the engine's output."""
        self._rehearsal.line(line)
        if not self.named and self._source in line and any(name in line for name in self._names):
            self.named, self.starts = line.strip(), _starts(self._rehearsal)
            self._rehearsal.times.say(f"  {self.named[:400]}")
            _make_room(self._rehearsal, self._held)


@contextmanager
def _full(rehearsal: Rehearsal, nodes: list[str]) -> Iterator[list[str]]:
    """No machine starts on these nodes, until `_make_room`. Yields those that are still full."""
    held = list(nodes)
    for node in nodes:
        rehearsal.clients.kube("taint", "node", node, f"{FULL}=yes:NoSchedule")
    try:
        yield held
    finally:
        _make_room(rehearsal, held)


def _make_room(rehearsal: Rehearsal, held: list[str]) -> None:
    while held:
        rehearsal.clients.kube("taint", "node", held.pop(), f"{FULL}-")


def _by_migration(rehearsal: Rehearsal, name: str, source: str) -> None:
    state = machines.instance(rehearsal, name)["status"].get("migrationState") or {}
    see(
        state.get("completed") and not state.get("failed") and state.get("sourceNode") == source,
        f"KubeVirt reports no live migration of {name} from {source}: {state}",
    )


def _workers(rehearsal: Rehearsal) -> list[str]:
    return [machine.name for machine in rehearsal.topology.machines if machine.role == "worker"]


def _starts(rehearsal: Rehearsal) -> dict[str, int]:
    return {name: node["starts"] for name, node in rehearsal.lab.nodes().items()}


def _seen(rehearsal: Rehearsal, name: str) -> Seen:
    found = wait_for(
        f"the virtual machine {name} to run", partial(machines.ready, rehearsal, name), seconds=300, every=2
    )
    answer = wait_for(f"an answer of {name}", partial(machines.answers, rehearsal, name), seconds=120, every=1)
    return Seen(found["status"]["nodeName"], found["metadata"]["uid"], answer["start"], float(answer["uptime"]))


def settled(rehearsal: Rehearsal) -> None:
    """Wait until no virtual machine is on the move."""
    wait_for("every live migration to end", partial(_none_moves, rehearsal), seconds=300, every=2)


def _none_moves(rehearsal: Rehearsal) -> bool:
    migrations = rehearsal.clients.get("virtualmachineinstancemigrations", "--all-namespaces")["items"]
    return all((each.get("status") or {}).get("phase") in ("Succeeded", "Failed") for each in migrations)
