"""What the restricted pod security profile asks of a pod, in one place for all the pods that Bedplate writes."""

from collections.abc import Mapping
from typing import Any

from core.facts.snapshots import USER

NOBODY = USER
"""A user that owns no file of an image."""


def container_security() -> dict[str, Any]:
    """The manifest's securityContext of a container: no privileges, no capabilities, a read-only root file system."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
    }


def pod_security(user: int, *, owns_volumes: bool = False) -> dict[str, Any]:
    """The manifest's securityContext of a pod: one numeric user and group, and the runtime's seccomp profile.

    owns_volumes: the group owns the files of the pod's volumes as well.
    """
    volumes = {"fsGroup": user, "fsGroupChangePolicy": "OnRootMismatch"} if owns_volumes else {}
    return {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": user,
        **volumes,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def spread_over_nodes(labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """The manifest's topologySpreadConstraints: a drained or dead node then takes one replica and not all."""
    return [
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": dict(labels)},
        }
    ]
