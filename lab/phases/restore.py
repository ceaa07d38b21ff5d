"""A lost etcd, and a snapshot put back."""

import shutil

from lab.rehearsal import Rehearsal
from lab.shown import see
from lab.waiting import wait_for

from .snapshots import KEPT


def restore(rehearsal: Rehearsal) -> None:
    """The only control plane loses its etcd, and a job's snapshot, restored as docs/day-two.md says, brings it back."""
    [node] = rehearsal.topology.machines
    kept, lost = KEPT, ("configmap", "rehearsal-after")
    file = rehearsal.snapshot
    see(file is not None, "no job saved etcd")
    rehearsal.clients.kube("create", *lost)
    rehearsal.lab.stop_node(node.name)
    shutil.rmtree(rehearsal.layout.node(node.name) / "volumes" / "var" / "lib" / "etcd")
    rehearsal.lab.start_node(node.name)
    wait_for(
        "etcd to wait for a bootstrap",
        lambda: "Preparing" in rehearsal.clients.talos("service", "etcd", "--nodes", node.address, seconds=5),
        seconds=120,
        every=1,
    )
    rehearsal.clients.talos("bootstrap", f"--recover-from={file}", "--nodes", node.address, seconds=60)
    wait_for(
        "the API with what was restored", lambda: rehearsal.clients.kube("get", *kept, seconds=5), seconds=240, every=1
    )
    configmaps = rehearsal.clients.kube("get", "configmaps", "--output=name")
    see(lost[1] not in configmaps, f"{lost[1]} was created after the snapshot, but exists: {configmaps}")
    wait_for(f"{node.name} Ready again", lambda: rehearsal.clients.ready() == {node.name}, seconds=240, every=1)
    rehearsal.engine.run("preview", "--expect-no-changes", seconds=120)
