"""Volumes that several nodes share: written and read by pods, saved, restored, cloned and grown."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import yaml

from lab import shared_storage
from lab.rehearsal import Rehearsal
from lab.shared_storage import CLASS, SHELL
from lab.shown import see
from lab.waiting import wait_for

SPACE = "lab-volumes"
# Where a pod has its volume, by the volume's mode.
PATHS = {"Filesystem": "/data", "Block": "/dev/volume"}
BYTES = 64 << 20
# The kernel gives a pod the bytes of the device, and not of a page cache that another node can't see.
_DIRECT = "iflag=direct"


def enabled(rehearsal: Rehearsal) -> bool:
    """Whether the platform keeps disks, on nodes that the lab makes."""
    return shared_storage.wanted(rehearsal.committed) and rehearsal.runtime is None


def shown(rehearsal: Rehearsal) -> None:
    """In both volume modes: two nodes use one volume, a snapshot is restored, and a clone and a larger one hold all."""
    shared_storage.install(rehearsal.clients, rehearsal.binaries)
    rehearsal.clients.kube("create", "namespace", SPACE)
    rehearsal.clients.kube("label", "namespace", SPACE, "pod-security.kubernetes.io/enforce=baseline")
    nodes = sorted(rehearsal.clients.ready())
    facts = {mode: _Volumes(rehearsal, mode, nodes).shown() for mode in PATHS}
    rehearsal.clients.kube("delete", "namespace", SPACE, seconds=180)
    wait_for("the volumes to be gone", partial(_emptied, rehearsal), seconds=120, every=1)
    rehearsal.times.fact("shared_volumes", facts)


def _emptied(rehearsal: Rehearsal) -> bool:
    """Whether the driver has removed what was deleted, also from the folder of volumes."""
    left = [path for kind in ("volumes", "snapshots") for path in (rehearsal.layout.shared / kind).glob("[!.]*")]
    return not left and not _ours(rehearsal)


def _ours(rehearsal: Rehearsal) -> list[Any]:
    return [
        each
        for each in rehearsal.clients.get("persistentvolumes")["items"]
        if each["spec"].get("claimRef", {}).get("namespace") == SPACE
    ]


class _Volumes:
    """What is shown of one volume mode."""

    def __init__(self, rehearsal: Rehearsal, mode: str, nodes: list[str]) -> None:
        self.rehearsal, self.mode, self.nodes = rehearsal, mode, nodes

    def shown(self) -> dict[str, Any]:
        """Show it all; returns what was seen."""
        name = self.mode.lower()
        self._claim(name)
        for index, node in enumerate((self.nodes[0], self.nodes[-1])):
            self._pod(f"{name}-{index}", name, node)
        self._write(f"{name}-0", "first")
        see(self._read(f"{name}-1") == "first", f"{name}: another node does not read what was written")
        self._snapshot(name)
        self._write(f"{name}-1", "second")
        see(self._read(f"{name}-0") == "second", f"{name}: the first node does not read what the second wrote")
        found = {
            "restored": self._from("VolumeSnapshot", name, "restored"),
            "cloned": self._from("PersistentVolumeClaim", name, "cloned"),
        }
        see(found == {"restored": "first", "cloned": "second"}, f"{name}: a copy holds something else: {found}")
        return {**found, "nodes": self.nodes, "grown_to": self._grown(name)}

    def _apply(self, manifest: Mapping[str, Any]) -> None:
        about = {**manifest["metadata"], "namespace": SPACE}
        self.rehearsal.clients.kube(
            "create", "--filename=-", stdin=yaml.safe_dump({**manifest, "metadata": about}), seconds=30
        )

    def _claim(self, name: str, source: Mapping[str, str] | None = None) -> None:
        spec = {
            "accessModes": ["ReadWriteMany"],
            "volumeMode": self.mode,
            "storageClassName": CLASS,
            "resources": {"requests": {"storage": str(BYTES)}},
            **({"dataSource": dict(source)} if source else {}),
        }
        self._apply({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec})
        wait_for(f"the volume of {name}", partial(self._bound, name), seconds=60, every=0.5)

    def _bound(self, name: str) -> bool:
        claim = self.rehearsal.clients.get("persistentvolumeclaim", name, f"--namespace={SPACE}")
        return bool(claim["status"].get("phase") == "Bound")

    def _pod(self, name: str, claim: str, node: str) -> None:
        path = PATHS[self.mode]
        block = self.mode == "Block"
        given = {"volumeDevices": [{"name": "v", "devicePath": path}]} if block else {}
        given = given or {"volumeMounts": [{"name": "v", "mountPath": path}]}
        container = {"name": "shell", "image": SHELL, "command": ["/bin/sleep", "3600"], **given}
        spec = {
            "nodeName": node,
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            "containers": [container],
            "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": claim}}],
        }
        self._apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})
        self.rehearsal.clients.kube(
            "wait", f"--namespace={SPACE}", f"pod/{name}", "--for=condition=Ready", "--timeout=120s", seconds=130
        )

    def _run(self, pod: str, script: str) -> str:
        return self.rehearsal.clients.kube(
            "exec", f"--namespace={SPACE}", pod, "--", "/bin/sh", "-c", script, seconds=30
        ).strip()

    def _write(self, pod: str, words: str) -> None:
        path = PATHS[self.mode]
        script = f"echo {words} > {path}/words && sync"
        if self.mode == "Block":
            script = f"echo {words} | dd of={path} bs=512 count=1 conv=sync,notrunc,fsync 2>/dev/null && sync"
        self._run(pod, script)

    def _read(self, pod: str) -> str:
        path = PATHS[self.mode]
        script = f"cat {path}/words"
        if self.mode == "Block":
            script = f"dd if={path} bs=4096 count=1 {_DIRECT} 2>/dev/null"
        return self._run(pod, script).strip("\0\n ")

    def _snapshot(self, name: str) -> None:
        spec = {"volumeSnapshotClassName": CLASS, "source": {"persistentVolumeClaimName": name}}
        about = {"metadata": {"name": name}, "spec": spec}
        self._apply({"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot", **about})
        wait_for(f"the snapshot of {name}", partial(self._ready, name), seconds=60, every=0.5)

    def _ready(self, name: str) -> bool:
        found = self.rehearsal.clients.get("volumesnapshot", name, f"--namespace={SPACE}")
        return bool(found.get("status", {}).get("readyToUse"))

    def _from(self, kind: str, name: str, copy: str) -> str:
        """What a new volume made from a snapshot or a volume holds."""
        group = {"apiGroup": "snapshot.storage.k8s.io"} if kind == "VolumeSnapshot" else {}
        claim = f"{name}-{copy}"
        self._claim(claim, {**group, "kind": kind, "name": name})
        self._pod(claim, claim, self.nodes[-1])
        return self._read(claim)

    def _grown(self, name: str) -> int:
        """The bytes of the volume after it was made twice as large while pods use it."""
        patch = yaml.safe_dump({"spec": {"resources": {"requests": {"storage": str(2 * BYTES)}}}})
        self.rehearsal.clients.kube(
            "patch", f"--namespace={SPACE}", "persistentvolumeclaim", name, f"--patch={patch}", seconds=30
        )
        return int(wait_for(f"the larger volume of {name}", partial(self._larger, name), seconds=180, every=1))

    def _larger(self, name: str) -> int:
        claim = self.rehearsal.clients.get("persistentvolumeclaim", name, f"--namespace={SPACE}")
        if self.mode == "Block":
            seen = int(self._run(f"{name}-0", f"blockdev --getsize64 {PATHS[self.mode]}"))
            return seen if seen == 2 * BYTES else 0
        return 2 * BYTES if claim["status"].get("capacity", {}).get("storage") in {str(2 * BYTES), "128Mi"} else 0
