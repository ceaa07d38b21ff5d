"""CDI's operator, the CDI object that it acts on, and what CDI can't know of classes by itself."""

import copy
import json
from collections.abc import Iterator
from typing import Any

from core.facts.storage import DRIVER
from core.facts.versions import cdi_manifest
from core.model import Platform
from core.model.storage import CdiSpec, StorageClass

from . import operators

NAMESPACE = "cdi"
_API = "cdi.kubevirt.io/v1beta1"
# Source: CDI's operator manifest, the images of a release.
_RELEASED_FROM = "quay.io/kubevirt/"
# Source: kubevirt/containerized-data-importer v1.65.0, pkg/common/common.go; each has one container of its own name.
_PROGRAMS = ("cdi-apiserver", "cdi-deployment", "cdi-uploadproxy")
# CDI's default of 600M ends the import of a large compressed image, and a limit alone keeps Talos' out-of-memory
# handler from choosing these pods first.
_IMPORT = {"requests": {"cpu": "100m", "memory": "60M"}, "limits": {"cpu": "2", "memory": "2Gi"}}
_PROGRAM_MEMORY = "1Gi"


def operator(want: CdiSpec) -> tuple[dict[str, Any], ...]:
    """Every object of a release's operator, its namespace first.

    All of CDI's pods meet the restricted profile. Pods that fill a disk run in the disk's namespace.
    """
    namespace = operators.namespace(NAMESPACE, "cdi.kubevirt.io", "restricted")
    objects = operators.objects(cdi_manifest(want.version))
    return (namespace, *(_without_alpha(_from(want.registry, each)) for each in objects))


def _without_alpha(manifest: dict[str, Any]) -> dict[str, Any]:
    """The object; of its own CRD, only the version that is stored.

    The operator removes v1alpha1 as soon as it runs, so each refresh would report the CRD as edited, and each `up`
    after it would put the version back. Source: kubevirt/containerized-data-importer v1.65.0, pkg/operator/controller,
    reconcileCDICRD.
    """
    if manifest["kind"] != "CustomResourceDefinition":
        return manifest
    spec = manifest["spec"]
    return {**manifest, "spec": {**spec, "versions": [each for each in spec["versions"] if each["storage"]]}}


def _from(registry: str | None, manifest: dict[str, Any]) -> dict[str, Any]:
    """The object, with images of another registry: the operator has the names of all others in its environment."""
    if registry is None or manifest["kind"] != "Deployment":
        return manifest
    changed = copy.deepcopy(manifest)
    for container in changed["spec"]["template"]["spec"]["containers"]:
        container["image"] = _moved(registry, container["image"])
        for variable in container["env"]:
            if "value" in variable:
                variable["value"] = _moved(registry, variable["value"])
    return changed


def _moved(registry: str, text: str) -> str:
    return f"{registry}/{text.removeprefix(_RELEASED_FROM)}" if text.startswith(_RELEASED_FROM) else text


def cdi(platform: Platform) -> dict[str, Any]:
    """The CDI object: what the operator installs, and how."""
    scratch = platform.scratch_class
    replicas = 2 if platform.migratable else 1
    return {
        "apiVersion": _API,
        "kind": "CDI",
        "metadata": {
            "name": "cdi",
            "annotations": {"pulumi.com/waitFor": "condition=Available", "pulumi.com/timeoutSeconds": "900"},
        },
        "spec": {
            "imagePullPolicy": "IfNotPresent",
            # Without it, removing CDI would remove every disk that it made.
            "uninstallStrategy": "BlockUninstallIfWorkloadsExist",
            "infra": {
                "nodeSelector": {"kubernetes.io/os": "linux"},
                "deploymentReplicas": replicas,
                "apiServerReplicas": replicas,
                "uploadProxyReplicas": replicas,
            },
            "workload": {"nodeSelector": {"kubernetes.io/os": "linux"}},
            "customizeComponents": {"patches": [_limited(program) for program in _PROGRAMS]},
            "config": {
                # A disk on a class that binds late is made where its VM runs, and not where the import runs.
                "featureGates": ["HonorWaitForFirstConsumer"],
                "podResourceRequirements": _IMPORT,
                **({"scratchSpaceStorageClass": scratch.name} if scratch else {}),
            },
        },
    }


def _limited(program: str) -> dict[str, Any]:
    """The patch by which the operator gives one of CDI's programs a limit of memory."""
    container = {"name": program, "resources": {"limits": {"memory": _PROGRAM_MEMORY}}}
    patch = {"spec": {"template": {"spec": {"containers": [container]}}}}
    return {
        "resourceType": "Deployment",
        "resourceName": program,
        "type": "strategic",
        "patch": json.dumps(patch, sort_keys=True),
    }


def profiles(platform: Platform) -> Iterator[dict[str, Any]]:
    """The StorageProfile of each class of which CDI doesn't know something: its modes, or its VolumeSnapshotClass.

    CDI makes a profile for each class that it sees, and leaves the spec to others.
    """
    for each in platform.storage_classes.values():
        if each.by_profile or each.snapshots:
            yield _profile(each)


def _profile(known: StorageClass) -> dict[str, Any]:
    sets = [{"accessModes": [mode.access], "volumeMode": mode.volume} for mode in known.modes]
    spec = {
        **({"claimPropertySets": sets} if known.by_profile else {}),
        # Folders have no snapshots, so a clone is a copy that pods make.
        **({"cloneStrategy": "copy"} if known.provisioner == DRIVER else {}),
        # Of several classes of one driver, CDI would take any.
        **({"snapshotClass": known.snapshots} if known.snapshots else {}),
    }
    return {"apiVersion": _API, "kind": "StorageProfile", "metadata": {"name": known.name}, "spec": spec}
