"""A change that restarts machines: one at a time, each drained first, and healthy before the next.

Where virtual machines have another node to move to, their guests go on.
"""

from itertools import pairwise

from lab.rehearsal import Rehearsal
from lab.shown import see

from . import moves, texts

# A change that makes Talos reboot (CanApplyImmediate does not name it), and that has no effect in a container.
RESTARTS = {"machine": {"udev": {"rules": ["# bedplate rehearsal"]}}}


def restarts(rehearsal: Rehearsal) -> None:
    """Both workers and a control plane, or the only machine, take a config that restarts them, in one `up`."""
    planes = [m.name for m in rehearsal.topology.machines if m.role == "controlplane"]
    names = [*[m.name for m in rehearsal.topology.machines if m.role == "worker"], planes[-1]]
    before = {name: node["starts"] for name, node in rehearsal.lab.nodes().items()}
    for name in names:
        machine = rehearsal.platform["machines"][name]
        machine["patches"] = [*machine.get("patches", []), RESTARTS]
    guests = moves.seen(rehearsal) if moves.several(rehearsal) else {}
    rehearsal.engine.write(rehearsal.platform)
    run = rehearsal.update(seconds=300 + 180 * len(names))
    after = {name: node["starts"] for name, node in rehearsal.lab.nodes().items()}
    see(
        {name for name in after if after[name] != before[name]} == set(names),
        f"expected {sorted(names)} to restart; starts before: {before}, after: {after}",
    )
    turns = []
    for name in names:
        begun = run.when(rf"\b{name} {texts.DRAINED}") if len(after) > 1 else run.when(texts.NO_OTHER_NODE)
        ended = run.when(rf"\b{name} {texts.HEALTHY_AGAIN}")
        see(
            begun is not None and ended is not None,
            f"{name} restarted, but was not drained first, or not reported healthy: {run.text[-2000:]}",
        )
        turns.append((round(begun or 0.0, 1), round(ended or 0.0, 1), name))
    turns.sort()
    see(all(one[1] <= other[0] for one, other in pairwise(turns)), f"two restarted at once: {turns}")
    see(rehearsal.clients.ready() == set(after), f"Ready are only: {rehearsal.clients.ready()}")
    closed = [n["metadata"]["name"] for n in rehearsal.clients.get("nodes")["items"] if n["spec"].get("unschedulable")]
    see(not closed, f"still unschedulable: {closed}")
    if guests:
        rehearsal.times.fact("moved_in_turns", moves.went_on(rehearsal, guests))
    rehearsal.times.fact("turns", [{"machine": name, "from": begun, "to": ended} for begun, ended, name in turns])
