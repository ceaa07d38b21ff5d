"""Which patches of the stack file reach a machine: a patch for all reaches each as far as it means something there."""

from collections.abc import Iterator, Mapping
from typing import Any

from core.model import Platform
from core.model.patches import Place, patches_of

from .document import Document

# Talos refuses some of these on a worker, and reads none of them there.
# Source: siderolabs/talos v1.12 and v1.14, pkg/machinery/config/types/v1alpha1/v1alpha1_validation.go and
# internal/app/machined/pkg/controllers/{etcd,k8s}, which read them on control planes alone.
_FIELDS = (
    "cluster.apiServer", "cluster.controllerManager", "cluster.scheduler", "cluster.etcd", "cluster.proxy",
    "cluster.coreDNS", "cluster.adminKubeconfig", "cluster.allowSchedulingOnControlPlanes", "cluster.inlineManifests",
    "cluster.extraManifests", "cluster.extraManifestHeaders", "machine.controlPlane",
    "machine.features.kubernetesTalosAPIAccess",
)  # fmt: skip
_KINDS = frozenset(
    f"Kube{part}Config"
    for part in (
        "APIServer", "ControllerManager", "Scheduler", "AdmissionControl", "AuditPolicy", "Authentication",
        "Authorizer", "EtcdEncryption", "Proxy", "FlannelCNI", "CoreDNS", "ExternalManifest", "InlineManifest",
        "TalosAPIAccess", "AggregatorCA", "ServiceAccount",
    )
)  # fmt: skip


def reaching(platform: Platform, name: str) -> Iterator[tuple[Place, Document]]:
    """The patches that one machine gets, with their places, in the order in which they are merged.

    Of a patch that control planes get too, a worker does not get what only they have.
    """
    worker = platform.machines[name].role == "worker"
    for place, patch in patches_of(platform, name):
        reaches = without_controlplane(patch) if worker and _reaches_controlplanes(platform, place) else dict(patch)
        if reaches:
            yield place, reaches


def _reaches_controlplanes(platform: Platform, place: Place) -> bool:
    """Whether a patch at this place is one of control planes too."""
    if place[0] == "classes":
        return any(platform.machines[name].class_ == place[1] for name in platform.controlplanes)
    return place[0] == "talos"


def controlplane_fields(patch: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Paths in a patch of what only control planes have; ("kind",) for a document that only they have."""
    if patch.get("kind") in _KINDS:
        return [("kind",)]
    return [path for field in _FIELDS if _has(patch, path := tuple(field.split(".")))]


def _has(value: Any, path: tuple[str, ...]) -> bool:
    for part in path:
        if not isinstance(value, Mapping) or part not in value:
            return False
        value = value[part]
    return True


def without_controlplane(patch: Mapping[str, Any]) -> Document:
    """A patch without what only control planes have; empty where nothing else is in it."""
    if patch.get("kind") in _KINDS:
        return {}
    left: Any = dict(patch)
    for field in _FIELDS:
        left = _without(left, tuple(field.split(".")))
    return dict(left)


def _without(value: Any, path: tuple[str, ...]) -> Any:
    """The value without the field at the path; a mapping that held nothing else goes with it."""
    head, *rest = path
    if not isinstance(value, Mapping) or head not in value:
        return value
    inner = _without(value[head], tuple(rest)) if rest else None
    gone = not rest or (isinstance(inner, Mapping) and not inner and bool(value[head]))
    return {key: inner if key == head else each for key, each in value.items() if key != head or not gone}
