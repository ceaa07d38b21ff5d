"""What a rehearsal reports: the lab's own record when something failed, and the table at its end."""

import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from . import fidelity
from .rehearsal import Rehearsal


def explain(rehearsal: Rehearsal) -> None:
    """After a failure: print the lab's events, and keep the nodes' logs and the cluster's state beside the lab."""
    if not hasattr(rehearsal, "lab"):
        return
    times = rehearsal.times
    try:
        for event in rehearsal.lab.events():
            if event["kind"] != "note":
                times.say(f"lab: {event['text']}")
    except (OSError, RuntimeError) as error:
        times.say(f"lab: {error}")
    kept = rehearsal.root / "lab" / f"{rehearsal.stack}.failed"
    shutil.rmtree(kept, ignore_errors=True)
    for machine in rehearsal.topology.machines:
        log = rehearsal.layout.node(machine.name) / "console.log"
        if log.exists():
            kept.mkdir(exist_ok=True)
            shutil.copyfile(log, kept / f"{machine.name}.log")
    for name, query in _queries(rehearsal).items():
        _keep(rehearsal, kept / name, query)
    if kept.exists():
        times.say(f"the nodes' logs are in {kept}")


def _queries(rehearsal: Rehearsal) -> dict[str, Callable[[], str]]:
    """The queries of the cluster: file name to the query."""
    clients = rehearsal.clients
    return {
        "pods.txt": lambda: clients.kube("get", "nodes,pods", "-A", "-o", "wide"),
        "events.txt": lambda: clients.kube("get", "events", "-A", "--sort-by=.lastTimestamp"),
        "etcd.txt": lambda: clients.talos("etcd", "members", "--nodes", rehearsal.first),
    }


def _keep(rehearsal: Rehearsal, file: Path, query: Callable[[], str]) -> None:
    try:
        rehearsal.trust()
        file.write_text(query())
    except (OSError, RuntimeError, LookupError) as error:
        rehearsal.times.say(f"{file.name}: {str(error).splitlines()[0]}")


def close(rehearsal: Rehearsal) -> None:
    """After a success: print the fidelity table, and how to enter and end a lab that is kept."""
    rehearsal.times.fact("changes", [asdict(change) for change in rehearsal.changes])
    print("\n" + fidelity.report(rehearsal.changes))
    rehearsal.times.say(f"rehearsed {rehearsal.stack}; times are in {rehearsal.times.file}")
    if rehearsal.keep:
        home, binaries = rehearsal.clients.home, rehearsal.binaries
        enter = f"nsenter --target={rehearsal.lab.init.pid} --net --pid --mount --ipc"
        print(
            f"The lab stays. In it, for example:\n"
            f"  {enter} env TALOSCONFIG={home}/talosconfig {binaries['talosctl']} dashboard\n"
            f"  {enter} env KUBECONFIG={home}/kubeconfig {binaries['kubectl']} get pods -A\n"
            f"End it with: ./bedplate rehearse stop {rehearsal.stack}"
        )
