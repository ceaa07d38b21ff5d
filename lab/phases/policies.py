"""Cilium enforces the platform's policies: a namespace is closed, and a declared port opens, and nothing else."""

import re
import subprocess
import time
from functools import partial
from typing import Any

from core.manifests.virtual_machine import LABEL as VM
from core.manifests.workload import LABEL
from lab import guest, speed
from lab.rehearsal import Rehearsal
from lab.shown import see
from lab.waiting import wait_for

from . import asking, machines

NAMESPACE = "closed"
# The ports on which both workloads listen: the first opens the one, and nothing opens the other workload.
DECLARED, UNDECLARED = 8080, 8081
OPENED, SHUT = "opened", "shut"
# What the agent reports of a packet that a policy refused. Source: cilium/cilium v1.20.2, pkg/monitor/api/drop.go.
VERDICT = "Policy denied"


def enforced(rehearsal: Rehearsal) -> bool:
    """Whether the network between pods is Cilium's, which enforces policies."""
    return rehearsal.network.real


def closed(rehearsal: Rehearsal) -> None:
    """Of two workloads in a new namespace, pods reach the port that one of them declares, and nothing else.

    The same holds for each virtual machine.
    """
    before = dict(rehearsal.platform.get("workloads") or {})
    added = {name: _workload(port) for name, port in ((OPENED, DECLARED), (SHUT, None))}
    _changed(rehearsal, {**before, **added})
    pods = {name: wait_for(f"a pod of {name}", partial(_pod, rehearsal, name), seconds=120, every=1) for name in added}
    facts: dict[str, Any] = {"ways": _ways(rehearsal, pods)}
    facts["verdict"] = _verdict(rehearsal, pods[SHUT])
    if machines.there(rehearsal):
        facts["virtual_machines"] = _of_machines(rehearsal)
    _changed(rehearsal, before)
    rehearsal.times.fact("closed_namespaces", facts)


def _workload(port: int | None) -> dict[str, Any]:
    command = ["/hello", f":{DECLARED}", f":{UNDECLARED}"]
    workload = {"image": "bedplate.local/hello:v1", "command": command, "namespace": NAMESPACE}
    return {**workload, "port": port} if port else workload


def _changed(rehearsal: Rehearsal, workloads: dict[str, Any]) -> None:
    rehearsal.platform["workloads"] = workloads
    rehearsal.engine.write(rehearsal.platform)
    rehearsal.update(seconds=300)


def _pod(rehearsal: Rehearsal, name: str) -> dict[str, Any] | None:
    """The workload's pod once it is Ready, field to value."""
    pods = rehearsal.clients.get("pods", f"--namespace={NAMESPACE}", f"--selector={LABEL}={name}")["items"]
    for pod in pods:
        kinds = {each["type"] for each in pod["status"].get("conditions", ()) if each["status"] == "True"}
        if "Ready" in kinds:
            return dict(pod)
    return None


def _ways(rehearsal: Rehearsal, pods: dict[str, Any]) -> dict[str, str]:
    """How each connection ended, by the way. Raises NotShown with all that are not as declared."""
    address = {name: pod["status"]["podIP"] for name, pod in pods.items()}
    service = f"{OPENED}.{NAMESPACE}.svc.cluster.local"
    # A pod of the namespace itself, which nothing keeps from asking.
    neighbour = f"{service}:{DECLARED}"
    wait_for(f"a pod to resolve {service}", partial(asking.resolved, rehearsal, service), seconds=60)
    ways = (
        (f"stranger to {OPENED}, declared port", address[OPENED], DECLARED, "", asking.OPEN),
        (f"stranger to {OPENED}, declared port, by its Service", service, DECLARED, "", asking.OPEN),
        (f"stranger to {OPENED}, other port", address[OPENED], UNDECLARED, "", asking.NO_ANSWER),
        (f"stranger to {SHUT}", address[SHUT], DECLARED, "", asking.NO_ANSWER),
        (f"stranger to {SHUT}, other port", address[SHUT], UNDECLARED, "", asking.NO_ANSWER),
        (f"neighbour to {SHUT}", address[SHUT], DECLARED, neighbour, asking.NO_ANSWER),
        (f"neighbour to {SHUT}, other port", address[SHUT], UNDECLARED, neighbour, asking.NO_ANSWER),
        (f"machine network to {SHUT}", address[SHUT], DECLARED, "outside", asking.NO_ANSWER),
    )
    ended, wrong = {}, []
    for what, to, port, through, expected in ways:
        if through == "outside":
            ended[what] = _from_machines(rehearsal, to, port)
        else:
            ended[what] = asking.connected(rehearsal, to, port, through=through)
        if ended[what] != expected:
            wrong.append(f"{what}: {ended[what]}, not {expected}")
        rehearsal.times.say(f"  {what}: {ended[what]}")
    see(not wrong, "; ".join(wrong))
    return ended


def _from_machines(rehearsal: Rehearsal, address: str, port: int) -> str:
    """A connection from the lab's own end of the machines' network, by way of a machine that has the pod's route."""
    way = [address, "via", rehearsal.first]
    rehearsal.lab.run(["ip", "route", "replace", *way], seconds=10)
    try:
        return asking.from_outside(rehearsal, address, port)
    finally:
        rehearsal.lab.run(["ip", "route", "delete", *way], seconds=10)


def _verdict(rehearsal: Rehearsal, pod: dict[str, Any]) -> str:
    """The line by which the agent of the pod's machine reports a refused packet. Raises NotShown without one."""
    node, address = pod["spec"]["nodeName"], pod["status"]["podIP"]

    def refused() -> str:
        listening = _listen(rehearsal, node)
        time.sleep(2)
        asking.connected(rehearsal, address, DECLARED)
        said = listening.communicate(timeout=speed.deadline(60))[0]
        wanted = rf"{re.escape(address)}:{DECLARED} tcp SYN"
        return next((line for line in said.splitlines() if VERDICT in line and re.search(wanted, line)), "")

    line = wait_for(f"the verdict on a packet to {address}", refused, seconds=60)
    rehearsal.times.say(f"  {line}")
    return line


def _listen(rehearsal: Rehearsal, node: str) -> subprocess.Popen[str]:
    pods = rehearsal.clients.get(
        "pods", "--namespace=kube-system", "--selector=k8s-app=cilium", f"--field-selector=spec.nodeName={node}"
    )["items"]
    return rehearsal.clients.kube_process(
        "exec",
        "--namespace=kube-system",
        pods[0]["metadata"]["name"],
        "--container=cilium-agent",
        "--",
        *("timeout", "8", "cilium-dbg", "monitor", "--type=drop"),
    )


def _of_machines(rehearsal: Rehearsal) -> dict[str, dict[str, str]]:
    """How a pod's connection to each port of a guest ended, by machine and port."""
    found: dict[str, dict[str, str]] = {}
    for name in rehearsal.platform["vms"]:
        vm = machines.machine(rehearsal, name)
        pods = rehearsal.clients.get("pods", f"--namespace={vm['namespace']}", f"--selector={VM}={name}")["items"]
        address = next((pod["status"]["podIP"] for pod in pods if pod["status"]["phase"] == "Running"), "")
        if not address:
            continue
        for port in guest.PORTS:
            expected = asking.OPEN if port in (vm.get("ports") or ()) else asking.NO_ANSWER
            ended = asking.connected(rehearsal, address, port)
            see(ended == expected, f"port {port} of {name}: {ended}, not {expected}")
            found.setdefault(name, {})[str(port)] = ended
    return found
