"""etcd saved: by `up` before an upgrade, and by a job of the cluster's own."""

import hashlib
import json
import os
import stat
from ipaddress import IPv4Network
from pathlib import Path

from core.facts.snapshots import NAMESPACE, USER
from lab.engine import Run
from lab.overlay import CLAIM
from lab.rehearsal import Rehearsal
from lab.shown import see
from lab.topology import FIRST_ID
from lab.waiting import wait_for

JOB = "rehearsal"
# Exists when the job saves etcd, so it must exist again after that snapshot is restored.
KEPT = ("configmap", "rehearsal-before")
# The folder of the node that the job writes to. It belongs to the user that the job runs as.
FOLDER = "local/etcd-snapshots"


def is_whole(file: Path) -> bool:
    """Whether a snapshot is complete: its last 32 bytes are the SHA-256 of the rest. etcd makes the same check."""
    content = file.read_bytes()
    return len(content) % 512 == 32 and hashlib.sha256(content[:-32]).digest() == content[-32:]


def saved(rehearsal: Rehearsal, run: Run) -> None:
    """The `up` that just moved the release wrote one whole snapshot first, for its owner alone."""
    files = sorted(rehearsal.snapshots.iterdir()) if rehearsal.snapshots.exists() else []
    see(len(files) == 1, f"{rehearsal.snapshots} has {len(files)} snapshots after one upgrade")
    see(is_whole(files[0]), f"{files[0]} is no whole snapshot")
    modes = [stat.S_IMODE(os.stat(path).st_mode) for path in (files[0], rehearsal.snapshots)]
    see(modes == [0o600, 0o700], f"others may read {files[0]}: {modes}")
    first, then = (run.when(pattern) for pattern in (r"Snapshot .* updated ", r"MachineConfig .* updat"))
    see(
        first is not None and then is not None and first <= then,
        f"a config went out before etcd was saved: {then} and {first}",
    )
    rehearsal.times.fact("snapshot_before_upgrade_bytes", files[0].stat().st_size)


def scheduled(rehearsal: Rehearsal) -> None:
    """A job of the CronJob saves etcd through the Talos API for pods, although one of its endpoints is down.

    Raises RuntimeError with the state of its pods if it does not.
    """
    [node] = rehearsal.topology.machines
    folder = rehearsal.layout.node(node.name) / "volumes" / "var" / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    owner = USER + (FIRST_ID if rehearsal.host.user_namespace else 0)
    os.chown(folder, owner, owner)
    rehearsal.clients.kube("apply", "--server-side", "--filename=-", stdin=json.dumps(_place()))
    rehearsal.clients.kube("create", *KEPT)
    job = rehearsal.clients.kube(
        "create",
        "job",
        f"--from=cronjob/{NAMESPACE}",
        JOB,
        f"--namespace={NAMESPACE}",
        "--dry-run=client",
        "--output=json",
    )
    rehearsal.clients.kube(
        "create", "--filename=-", stdin=job.replace("--endpoints=", f"--endpoints={_nobody(rehearsal)},")
    )
    try:
        wait_for("the job to save etcd", lambda: _done(rehearsal), seconds=180, every=1)
    except RuntimeError as error:
        state = rehearsal.clients.kube(
            "get", "pods,events,serviceaccounts.talos.dev,secrets", f"--namespace={NAMESPACE}"
        )
        raise RuntimeError(f"{error}\n{state}") from None
    files = sorted(folder.iterdir())
    see(
        len(files) == 1 and files[0].name.startswith(f"{rehearsal.platform['name']}-{JOB}-"),
        f"the job left {[file.name for file in files]}",
    )
    see(is_whole(files[0]), f"{files[0]} is no whole snapshot")
    rehearsal.times.fact("snapshot_of_a_job_bytes", files[0].stat().st_size)
    rehearsal.snapshot = files[0]


def _nobody(rehearsal: Rehearsal) -> str:
    """An address of the machines' network at which none answers, as of a control plane that is down."""
    lab = rehearsal.topology
    taken = {machine.address for machine in lab.machines} | {
        lab.gateway,
        *lab.aliases,
        rehearsal.platform["network"]["endpoint"],
    }
    return next(str(address) for address in IPv4Network(lab.network).hosts() if str(address) not in taken)


def _done(rehearsal: Rehearsal) -> bool:
    status = rehearsal.clients.get("job", JOB, f"--namespace={NAMESPACE}")["status"]
    return bool(status.get("succeeded"))


def _place() -> dict[str, object]:
    """The claim that the rehearsed stack names."""
    common = {"accessModes": ["ReadWriteMany"], "storageClassName": ""}
    volume = {
        "capacity": {"storage": "1Gi"},
        "hostPath": {"path": f"/var/{FOLDER}"},
        "claimRef": {"namespace": NAMESPACE, "name": CLAIM},
    }
    claim = {"volumeName": CLAIM, "resources": {"requests": {"storage": "1Gi"}}}
    return {
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": CLAIM}, "spec": {**common, **volume}},
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": CLAIM, "namespace": NAMESPACE},
                "spec": {**common, **claim},
            },
        ],
    }
