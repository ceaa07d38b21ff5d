"""Node ports and load balancers' addresses: open where the stack file says so, and only there."""

import copy
import json
from functools import partial
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from lab.rehearsal import Rehearsal
from lab.shown import see
from lab.waiting import wait_for

from . import asking

BALANCED = "hello-balanced"
# The port of that Service; hello's node port is asked at its address as well, and must not answer there.
PORT = 80


def opened(rehearsal: Rehearsal) -> None:
    """The stack file opens node ports and gets a pool of addresses, and both are closed again with it."""
    committed, cilium = copy.deepcopy(rehearsal.platform["cilium"]), rehearsal.platform["cilium"]
    closed = [m.address for m in rehearsal.topology.machines if not _answers(rehearsal, m.address, asking.NODE_PORT)]
    see(cilium.get("node_ports") or len(closed) == len(rehearsal.topology.machines), "a node port is open undeclared")
    cilium["node_ports"] = [rehearsal.topology.network]
    pool = cilium.setdefault("load_balancer", {"pool": _free(rehearsal)})["pool"]
    _up(rehearsal)
    facts: dict[str, Any] = {"closed_before": closed, "pool": pool}
    for machine in rehearsal.topology.machines:
        _wait(rehearsal, machine.address, asking.NODE_PORT)
    facts["balanced"] = _balanced(rehearsal)
    rehearsal.platform["cilium"] = committed
    _up(rehearsal)
    for address in closed:
        what = f"the node port at {address} to be closed"
        wait_for(what, partial(_closed, rehearsal, address, asking.NODE_PORT), seconds=180, every=2)
    rehearsal.times.fact("node_ports_and_addresses", facts)


def _balanced(rehearsal: Rehearsal) -> dict[str, str]:
    """A Service gets an address of the pool, machines announce it, and it answers on its own port alone."""
    what = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": BALANCED, "namespace": asking.NAMESPACE},
        "spec": {
            "type": "LoadBalancer",
            "selector": {"app": "hello"},
            "ports": [{"port": PORT, "targetPort": 8080}],
            # Without a node port of its own, nothing but its address leads to it.
            "allocateLoadBalancerNodePorts": False,
        },
    }
    rehearsal.clients.kube("apply", "--filename=-", stdin=json.dumps(what))
    address = wait_for("an address of the pool", partial(_address, rehearsal), seconds=120, every=1)
    _wait(rehearsal, address, PORT)
    ended = {str(port): asking.from_outside(rehearsal, address, port) for port in (PORT, 8080, asking.NODE_PORT)}
    rehearsal.times.say(f"  {address}: {ended}")
    see([port for port, end in ended.items() if end == asking.OPEN] == [str(PORT)], f"{address}: {ended}")
    rehearsal.clients.kube("delete", "service", BALANCED, f"--namespace={asking.NAMESPACE}")
    return {"address": address, **ended}


def _address(rehearsal: Rehearsal) -> str:
    status = rehearsal.clients.get("service", BALANCED, f"--namespace={asking.NAMESPACE}")["status"]
    return next((str(each["ip"]) for each in status.get("loadBalancer", {}).get("ingress", ())), "")


def _answers(rehearsal: Rehearsal, address: str, port: int) -> bool:
    return asking.from_outside(rehearsal, address, port) == asking.OPEN


def _closed(rehearsal: Rehearsal, address: str, port: int) -> bool:
    return not _answers(rehearsal, address, port)


def _wait(rehearsal: Rehearsal, address: str, port: int) -> None:
    """Wait until it is open: agents that have a new setting start again."""
    wait_for(f"an answer at {address}:{port}", partial(_answers, rehearsal, address, port), seconds=180, every=2)


def _up(rehearsal: Rehearsal) -> None:
    rehearsal.engine.write(rehearsal.platform)
    rehearsal.update(seconds=400)


def _free(rehearsal: Rehearsal) -> str:
    """Four addresses of the machines' network that the stack file gives to nothing."""
    nodes, text = IPv4Network(rehearsal.topology.network), json.dumps(rehearsal.platform)
    last = int(nodes.broadcast_address)
    for first in range(last - 8, int(nodes.network_address), -4):
        pool = [str(IPv4Address(number)) for number in range(first, first + 4)]
        if rehearsal.topology.gateway not in pool and not any(f'"{address}"' in text for address in pool):
            return f"{pool[0]}-{pool[-1]}"
    raise RuntimeError(f"{nodes} has no four free addresses")
