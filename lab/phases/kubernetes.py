"""Another Kubernetes release: control planes first, one machine at a time, each drained and its version verified."""

import json

from lab import prepare
from lab.rehearsal import Rehearsal
from lab.shown import see

from . import texts


def moved(rehearsal: Rehearsal) -> None:
    """Upgrade Kubernetes, to the same code under the next version number. etcd is saved first, workers come last."""
    before, after = rehearsal.platform["talos"]["kubernetes"], prepare.next_kubernetes()
    saved = set(rehearsal.snapshots.glob("*.db"))
    rehearsal.platform["talos"]["kubernetes"] = after
    rehearsal.engine.write(rehearsal.platform)
    run = rehearsal.update(seconds=400 + 240 * len(rehearsal.topology.machines))
    runs = {
        node["metadata"]["name"]: node["status"]["nodeInfo"]["kubeletVersion"]
        for node in rehearsal.clients.get("nodes")["items"]
    }
    see(set(runs.values()) == {after}, f"kubelets run {runs}, but {after} is declared")
    served = json.loads(rehearsal.clients.kube("get", "--raw=/version"))["gitVersion"]
    see(served == after, f"the API is still {served}")
    healthy_after = {}
    for machine in rehearsal.topology.machines:
        ended = run.when(rf"\b{machine.name} {texts.HEALTHY_AGAIN}")
        see(ended is not None, f"{machine.name} was not reported healthy: {run.text[-2000:]}")
        healthy_after[machine.name] = round(ended or 0.0, 1)
    planes = [healthy_after[m.name] for m in rehearsal.topology.machines if m.role == "controlplane"]
    workers = [healthy_after[m.name] for m in rehearsal.topology.machines if m.role == "worker"]
    see(not workers or max(planes) < min(workers), f"a worker came before a control plane: {healthy_after}")
    new = set(rehearsal.snapshots.glob("*.db")) - saved
    see(len(new) == 1, f"etcd was saved {len(new)} times before the upgrade, not once")
    rehearsal.times.fact("kubernetes", {"from": before, "to": after, "healthy_after": healthy_after})
