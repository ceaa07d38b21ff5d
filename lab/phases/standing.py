"""The platform stands, and a second `up` changes nothing."""

from functools import partial
from ipaddress import ip_address, ip_network

from lab import speed
from lab.rehearsal import Rehearsal
from lab.shown import see
from lab.waiting import wait_for

from . import asking


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
    """Pods, services and names; and the node port of hello where the stack opens node ports."""
    wait_for("an answer of the Deployment hello", partial(asking.hello, rehearsal, "/"), seconds=120)
    for machine in rehearsal.topology.machines:
        if _serves_node_ports(rehearsal, machine.address):
            url = f"http://{machine.address}:{asking.NODE_PORT}/"
            what = f"the Deployment hello through {machine.name}"
            answer = wait_for(what, partial(rehearsal.clients.ask, url), seconds=120)
            rehearsal.times.say(f"  through {machine.name}: {answer}")
        else:
            said = asking.from_outside(rehearsal, machine.address, asking.NODE_PORT)
            see(said != asking.OPEN, f"{machine.name} serves node ports, which the stack opens in no network of it")
    name = f"hello.{asking.NAMESPACE}.svc.cluster.local"
    wait_for(f"a pod to resolve {name}", partial(asking.resolved, rehearsal, name), seconds=120)


def _serves_node_ports(rehearsal: Rehearsal, address: str) -> bool:
    """Whether node ports are to be open at this address. kube-proxy, which the stand-in brings, opens them at all."""
    networks = rehearsal.platform["cilium"].get("node_ports") or ()
    return not rehearsal.network.real or any(ip_address(address) in ip_network(network) for network in networks)


def _workloads(rehearsal: Rehearsal) -> None:
    """The workloads that have a port."""
    for name, workload in (rehearsal.platform.get("workloads") or {}).items():
        if workload.get("port") and workload.get("replicas", 1):
            url = f"http://{name}.{workload.get('namespace', 'apps')}:{workload['port']}/"
            answer = wait_for(f"the workload {name} at {url}", partial(asking.got, rehearsal, url), seconds=120)
            rehearsal.times.say(f"  {name}: {answer}")


def again(rehearsal: Rehearsal) -> None:
    """A second `up` and a preview change nothing."""
    rehearsal.update("--expect-no-changes", seconds=180)
    rehearsal.engine.run("preview", "--expect-no-changes", seconds=120)
    see(rehearsal.bootstraps() == 1, "the second up bootstrapped etcd again")
