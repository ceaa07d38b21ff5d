"""The platform stands, and a second `up` changes nothing."""

from functools import partial

from lab import overlay, speed
from lab.rehearsal import Rehearsal
from lab.shown import see
from lab.waiting import wait_for

HELLO_PORT = overlay.NODE_PORT


def stands(rehearsal: Rehearsal) -> None:
    """Nodes Ready, one bootstrap, every control plane in etcd, pods, services and names."""
    names = {machine.name for machine in rehearsal.topology.machines}
    planes = {machine.name for machine in rehearsal.topology.machines if machine.role == "controlplane"}
    wait_for(
        f"all of {', '.join(sorted(names))} Ready", lambda: rehearsal.clients.ready() == names, seconds=240, every=1
    )
    rehearsal.times.fact("nodes_ready_after_command", rehearsal.times.now)
    see(rehearsal.bootstraps() == 1, f"etcd was bootstrapped {rehearsal.bootstraps()} times, not once")
    members = rehearsal.clients.talos("etcd", "members", "--nodes", rehearsal.first)
    see(all(name in members for name in planes), f"etcd has not all of {', '.join(sorted(planes))}: {members}")
    _answers(rehearsal)
    _workloads(rehearsal)
    # Listed explicitly, because talosctl would otherwise need the discovery service, which a platform may disable.
    nodes = [
        f"--{'control-plane' if role == 'controlplane' else 'worker'}-nodes="
        + ",".join(machine.address for machine in rehearsal.topology.machines if machine.role == role)
        for role in sorted({machine.role for machine in rehearsal.topology.machines})
    ]
    rehearsal.clients.talos(
        "health", f"--wait-timeout={speed.deadline(120):.0f}s", "--nodes", rehearsal.first, *nodes, seconds=130
    )


def _answers(rehearsal: Rehearsal) -> None:
    """Pods, services and names."""
    for machine in rehearsal.topology.machines:
        answer = wait_for(
            f"the Deployment hello through {machine.name}",
            partial(rehearsal.clients.ask, f"http://{machine.address}:{HELLO_PORT}/"),
            seconds=120,
        )
        rehearsal.times.say(f"  through {machine.name}: {answer}")
    name = "hello.bedplate-rehearsal.svc.cluster.local"
    wait_for(
        f"a pod to resolve {name}",
        lambda: rehearsal.clients.ask(f"http://{rehearsal.first}:{HELLO_PORT}/resolve?name={name}"),
        seconds=120,
    )


def _workloads(rehearsal: Rehearsal) -> None:
    """The workloads that have a port."""
    for name, workload in (rehearsal.platform.get("workloads") or {}).items():
        if workload.get("port") and workload.get("replicas", 1):
            url = f"http://{name}.{workload.get('namespace', 'apps')}:{workload['port']}/"
            answer = wait_for(
                f"the workload {name} at {url}",
                partial(rehearsal.clients.ask, f"http://{rehearsal.first}:{HELLO_PORT}/get?url={url}"),
                seconds=120,
            )
            rehearsal.times.say(f"  {name}: {answer}")


def again(rehearsal: Rehearsal) -> None:
    """A second `up` and a preview change nothing."""
    rehearsal.update("--expect-no-changes", seconds=180)
    rehearsal.engine.run("preview", "--expect-no-changes", seconds=120)
    see(rehearsal.bootstraps() == 1, "the second up bootstrapped etcd again")
