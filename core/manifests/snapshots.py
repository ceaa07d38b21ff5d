"""The objects by which a cluster saves its own etcd. Plain functions: no Pulumi in here."""

from collections.abc import Iterator
from typing import Any

from core.machineconfig.documents.controlplane import ITSELF
from core.model import Platform
from core.model.snapshots import NAMESPACE

NAME = "etcd-snapshots"
# A user that no image's files belong to. It owns the snapshots.
USER = 65532
# Where talosctl looks in a pod, and where the snapshots are.
_CREDENTIALS, _FOLDER = "/var/run/secrets/talos.dev", "/snapshots"
JOB_SECONDS = 1800
_APID = "50000"


def way_out() -> dict[str, Any]:
    """The policy that lets the jobs reach the Talos API of control planes, and nothing else at all.

    A network policy of Kubernetes' own can't say it: to Cilium, nodes are no addresses. The control planes are where
    the API server is.
    """
    return {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": {"name": "to-control-planes", "namespace": NAMESPACE},
        "spec": {
            "endpointSelector": {},
            "egress": [
                {"toEntities": ["kube-apiserver"], "toPorts": [{"ports": [{"port": _APID, "protocol": "TCP"}]}]}
            ],
        },
    }


def account() -> dict[str, Any]:
    """What Talos answers with a Secret of the same name: a client that may take snapshots, renewed every few hours."""
    return {
        "apiVersion": "talos.dev/v1alpha1",
        "kind": "ServiceAccount",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {"roles": ["os:etcd:backup"]},
    }


def storage(platform: Platform) -> Iterator[dict[str, Any]]:
    """Where they are kept, if that is not a claim of somebody's own.

    The restricted profile lets no pod name an NFS server itself; a claim it may.
    """
    store = platform.talos.snapshots.to
    if store is None or store.nfs is None:
        return
    # An NFS server has no size of ours: nobody counts it.
    common: dict[str, Any] = {"accessModes": ["ReadWriteMany"], "storageClassName": ""}
    yield {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": NAME},
        "spec": {
            **common,
            "capacity": {"storage": "1Gi"},
            "persistentVolumeReclaimPolicy": "Retain",
            # Machines run no lock daemon, which older versions need.
            "mountOptions": ["nfsvers=4.1", "hard", "noexec", "nosuid", "nodev"],
            "nfs": {"server": store.nfs.server, "path": store.nfs.path},
            "claimRef": {"namespace": NAMESPACE, "name": NAME},
        },
    }
    yield {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {**common, "volumeName": NAME, "resources": {"requests": {"storage": "1Gi"}}},
    }


def image(platform: Platform) -> str:
    """The official talosctl of the machines' release."""
    return f"ghcr.io/siderolabs/talosctl:{platform.talos.version}"


def job(platform: Platform) -> dict[str, Any]:
    """The CronJob: one snapshot each time, of whichever control plane answers."""
    want = platform.talos.snapshots
    assert want.schedule is not None and want.to is not None
    endpoints = ",".join(str(platform.machines[plane].address) for plane in platform.controlplanes)
    container = {
        "name": "talosctl",
        "image": image(platform),
        "imagePullPolicy": "IfNotPresent",
        # The pod's name holds the minute that it was due, and is nobody else's: no file is written over.
        "args": [
            f"--talosconfig={_CREDENTIALS}/config",
            f"--endpoints={endpoints}",
            f"--nodes={ITSELF}",
            "etcd",
            "snapshot",
            f"{_FOLDER}/{platform.name}-$(POD_NAME).db",
        ],
        "env": [
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "HOME", "value": _CREDENTIALS},
        ],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
        },
        "volumeMounts": [
            {"name": "talos", "mountPath": _CREDENTIALS, "readOnly": True},
            {"name": "snapshots", "mountPath": _FOLDER},
        ],
    }
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "containers": [container],
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        # There is an etcd to save as long as there is a control plane, whatever became of the workers.
        "tolerations": [{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"}],
        "volumes": [
            {"name": "talos", "secret": {"secretName": NAME, "defaultMode": 0o440}},
            {"name": "snapshots", "persistentVolumeClaim": {"claimName": want.to.claim or NAME}},
        ],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {
            "schedule": want.schedule,
            "timeZone": "Etc/UTC",
            "concurrencyPolicy": "Forbid",
            # A control plane that was away meanwhile still takes the one it missed, if that is not long ago.
            "startingDeadlineSeconds": 600,
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 3,
            "jobTemplate": {
                "spec": {"backoffLimit": 3, "activeDeadlineSeconds": JOB_SECONDS, "template": {"spec": pod}},
            },
        },
    }
