"""Machines that lose power, and an `up` while some are down."""

from lab.rehearsal import Rehearsal
from lab.shown import NotShown, see
from lab.waiting import wait_for

from . import texts
from .change import LABEL


def lost_power(rehearsal: Rehearsal) -> None:
    """The machine that holds the API's address and a worker lose power: the API goes on, and both come back."""
    names = {machine.name for machine in rehearsal.topology.machines}
    holder = _holder(rehearsal)
    lost = [holder, *[machine.name for machine in rehearsal.topology.machines if machine.role == "worker"][:1]]
    for name in lost:
        rehearsal.lab.stop_node(name)
    rehearsal.times.say(f"  {' and '.join(lost)} off; {holder} held the API's address")
    wait_for(
        "the API at another control plane",
        lambda: rehearsal.clients.kube("get", "--raw=/readyz", seconds=5),
        seconds=120,
    )
    wait_for(
        f"{', '.join(lost)} to be not Ready",
        lambda: not rehearsal.clients.ready() & set(lost),
        seconds=120,
        every=1,
    )
    for name in lost:
        rehearsal.lab.start_node(name)
    wait_for(
        f"{', '.join(lost)} Ready again, with what is on their volumes",
        lambda: rehearsal.clients.ready() == names,
        seconds=300,
        every=1,
    )
    see(rehearsal.bootstraps() == 1, "etcd was bootstrapped again after a machine lost power")


def unreachable(rehearsal: Rehearsal) -> None:
    """An `up` while a worker and a control plane are down fails for those two by name; every other one is changed."""
    machines = {machine.name: machine for machine in rehearsal.topology.machines}
    others = [machine for machine in machines.values() if machine.address != rehearsal.first]
    down = [next(machine.name for machine in others if machine.role == role) for role in ("controlplane", "worker")]
    # Control planes are changed one after the other: those after a dead one are not changed.
    reached = [
        machine.name for machine in machines.values() if machine.address == rehearsal.first or machine.role == "worker"
    ]
    reached = [name for name in reached if name not in down]
    for name in down:
        rehearsal.lab.stop_node(name)
    for name in (*down, *reached):
        labels = rehearsal.platform["machines"][name].setdefault("labels", {})
        labels[f"{LABEL[0]}-down"] = LABEL[1]
    rehearsal.engine.write(rehearsal.platform)
    begun = rehearsal.times.now
    run = rehearsal.engine.run("up", "--yes", "--skip-preview", seconds=400, say=rehearsal.line, check=False)
    took = round(rehearsal.times.now - begun, 1)
    see(run.code != 0, f"an up succeeded while {' and '.join(down)} were down")
    for name in down:
        at = machines[name].address
        see(
            f"{name}: the Talos API at {at} {texts.UNREACHABLE}" in run.text,
            f"the failed up does not name {name}: {run.text[-2000:]}",
        )
    for name in reached:
        see(f"{name}: the Talos API" not in run.text, f"the up failed for {name} too: {run.text[-2000:]}")
        see(_labelled(rehearsal, name), f"{name} is up, and its change did not arrive")
    rehearsal.times.fact("up_with_machines_down", {"down": down, "changed": reached, "seconds": took})
    for name in down:
        rehearsal.lab.start_node(name)
    wait_for(
        f"{', '.join(down)} Ready again", lambda: rehearsal.clients.ready() == machines.keys(), seconds=300, every=1
    )
    rehearsal.update(seconds=300)
    see(
        all(_labelled(rehearsal, name) for name in (*down, *reached)),
        "the next up did not bring the change to the machines that came back",
    )


def _labelled(rehearsal: Rehearsal, name: str) -> bool:
    labels = rehearsal.clients.resource(rehearsal.topology.machine(name).address, "nodelabelspec")
    return any(one["spec"]["key"] == f"{LABEL[0]}-down" for one in labels)


def _holder(rehearsal: Rehearsal) -> str:
    """The control plane that holds the API's virtual address now."""
    endpoint = rehearsal.committed["network"]["endpoint"]
    for machine in rehearsal.topology.machines:
        if machine.role == "controlplane":
            held = rehearsal.clients.resource(machine.address, "addressstatus")
            if any(one["spec"]["address"].startswith(f"{endpoint}/") for one in held):
                return machine.name
    raise NotShown(f"no control plane holds the API's address {endpoint}")
