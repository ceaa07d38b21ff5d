"""The objects by which a cluster saves its own etcd."""

from collections.abc import Iterator
from typing import Any

from core.facts.node_labels import CONTROL_PLANE
from core.facts.ports import TALOS_API
from core.facts.snapshots import NAME, NAMESPACE, ROLE, USER
from core.machineconfig.documents.controlplane import ITSELF
from core.model import Platform

from .restricted import container_security, pod_security

# Where talosctl looks for its credentials in a pod, and where the snapshots are.
_CREDENTIALS, _FOLDER = "/var/run/secrets/talos.dev", "/snapshots"
JOB_SECONDS = 1800


def allow_talos_api() -> dict[str, Any]:
    """The manifest of the policy that lets the jobs reach the Talos API of control planes, and nothing else.

    A NetworkPolicy of Kubernetes can't express it, because Cilium does not treat nodes as addresses. Control planes
    are the nodes with the entity `kube-apiserver`.
    """
    return {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": {"name": "to-control-planes", "namespace": NAMESPACE},
        "spec": {
            "endpointSelector": {},
            "egress": [
                {
                    "toEntities": ["kube-apiserver"],
                    "toPorts": [{"ports": [{"port": str(TALOS_API), "protocol": "TCP"}]}],
                }
            ],
        },
    }


def account() -> dict[str, Any]:
    """The manifest of the account: Talos keeps a Secret of its name with a client that may take snapshots.

    Talos renews that client every few hours.
    """
    return {
        "apiVersion": "talos.dev/v1alpha1",
        "kind": "ServiceAccount",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {"roles": [ROLE]},
    }


def storage(platform: Platform) -> Iterator[dict[str, Any]]:
    """The volume and the claim for the NFS export; nothing if the stack file names a claim that exists already.

    The restricted pod security profile forbids NFS volumes in a pod, but it allows claims.
    """
    store = platform.talos.snapshots.to
    if store is None or store.nfs is None:
        return
    # Required, but without effect: Kubernetes does not limit what is written to an NFS server.
    common: dict[str, Any] = {"accessModes": ["ReadWriteMany"], "storageClassName": ""}
    yield {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": NAME},
        "spec": {
            **common,
            "capacity": {"storage": "1Gi"},
            "persistentVolumeReclaimPolicy": "Retain",
            # Older versions need a lock daemon, and Talos runs none.
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
    """The official talosctl image of the platform's Talos version."""
    return f"ghcr.io/siderolabs/talosctl:{platform.talos.version}"


def job(platform: Platform) -> dict[str, Any]:
    """The CronJob's manifest: each run saves one snapshot, taken from the control plane that answers."""
    want = platform.talos.snapshots
    assert want.schedule is not None and want.to is not None
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {
            "schedule": want.schedule,
            "timeZone": "Etc/UTC",
            "concurrencyPolicy": "Forbid",
            # A run that was missed while no control plane answered is made up for within ten minutes.
            "startingDeadlineSeconds": 600,
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 3,
            "jobTemplate": {
                "spec": {
                    "backoffLimit": 3,
                    "activeDeadlineSeconds": JOB_SECONDS,
                    "template": {"spec": _pod(platform, want.to.claim)},
                },
            },
        },
    }


def _pod(platform: Platform, claim: str | None) -> dict[str, Any]:
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "containers": [_container(platform)],
        "securityContext": pod_security(USER, owns_volumes=True),
        # Jobs run on control planes too, so that snapshots are taken even if every worker is down.
        "tolerations": [{"key": CONTROL_PLANE, "operator": "Exists", "effect": "NoSchedule"}],
        "volumes": [
            {"name": "talos", "secret": {"secretName": NAME, "defaultMode": 0o440}},
            {"name": "snapshots", "persistentVolumeClaim": {"claimName": claim or NAME}},
        ],
    }


def _container(platform: Platform) -> dict[str, Any]:
    endpoints = ",".join(str(platform.machines[plane].address) for plane in platform.controlplanes)
    return {
        "name": "talosctl",
        "image": image(platform),
        "imagePullPolicy": "IfNotPresent",
        # The pod's name is unique and holds the minute at which the job was due, so no file is overwritten.
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
        "securityContext": container_security(),
        "volumeMounts": [
            {"name": "talos", "mountPath": _CREDENTIALS, "readOnly": True},
            {"name": "snapshots", "mountPath": _FOLDER},
        ],
    }
