"""What is added to the stack file arrives on a node."""

from lab import standins
from lab.rehearsal import Rehearsal
from lab.shown import see
from lab.waiting import wait_for

from . import snapshots

LABEL, TAINT = ("bedplate.rehearsal/seen", "yes"), ("bedplate.rehearsal/seen", "yes:PreferNoSchedule")
NEW_MIRROR = "registry.rehearsal.example.com"


def change(rehearsal: Rehearsal) -> None:
    """A label, a taint and a mirror added to the stack file arrive on the node; another release saves etcd first."""
    name = next(machine.name for machine in rehearsal.topology.machines if machine.address == rehearsal.first)
    machine = rehearsal.platform["machines"][name]
    machine["labels"] = {**machine.get("labels", {}), LABEL[0]: LABEL[1]}
    machine["taints"] = {**machine.get("taints", {}), TAINT[0]: TAINT[1]}
    rehearsal.platform["registries"]["mirrors"][NEW_MIRROR] = {"endpoints": [rehearsal.topology.registry]}
    # Talos in a container can't be upgraded: the resource only reports the running release. The steps before are real.
    rehearsal.platform["talos"]["version"] = standins.next_patch(rehearsal.platform["talos"]["version"])
    rehearsal.engine.write(rehearsal.platform)
    run = rehearsal.update(seconds=300)
    snapshots.saved(rehearsal, run)
    labels = {
        one["spec"]["key"]: one["spec"]["value"] for one in rehearsal.clients.resource(rehearsal.first, "nodelabelspec")
    }
    see(labels.get(LABEL[0]) == LABEL[1], f"the label did not arrive on {name}: {labels}")
    taints = {one["spec"]["key"] for one in rehearsal.clients.resource(rehearsal.first, "nodetaintspec")}
    see(TAINT[0] in taints, f"the taint did not arrive on {name}: {taints}")
    hosts = rehearsal.clients.talos(
        "read", f"/etc/cri/conf.d/hosts/{NEW_MIRROR}/hosts.toml", "--nodes", rehearsal.first
    )
    see(rehearsal.topology.registry in hosts, f"the mirror did not arrive on {name}: {hosts}")
    wait_for(f"the label and the taint on the Node {name}", lambda: _on_node(rehearsal, name), seconds=60)


def _on_node(rehearsal: Rehearsal, name: str) -> bool:
    node = rehearsal.clients.get("node", name)
    taints = {taint["key"] for taint in node["spec"].get("taints", [])}
    return node["metadata"]["labels"].get(LABEL[0]) == LABEL[1] and TAINT[0] in taints
