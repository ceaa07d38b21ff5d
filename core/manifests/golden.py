"""Golden images as Kubernetes objects: a claim with the image, and the name by which disks are made from it."""

from typing import Any

from core.facts.golden import LABEL, NAMESPACE
from core.model import Platform
from core.model.claims import image_claim

from .disk import data_volume

_API = "cdi.kubevirt.io/v1beta1"
# Source: kubevirt/containerized-data-importer v1.65.0, pkg/controller/common/util.go, AnnImmediateBinding: no VM runs
# with an image, so a class that binds late would never make its volume.
_AT_ONCE = {"cdi.kubevirt.io/storage.bind.immediate.requested": "true"}
# The one that disks are made from, and the one before it, of which a copy may be under way.
_KEPT_IMPORTS = 2


def volume(platform: Platform, name: str) -> dict[str, Any]:
    """The manifest of the DataVolume with an image that stays as it is."""
    return _at_once(data_volume(image_claim(platform, name)))


def data_source(platform: Platform, name: str) -> dict[str, Any]:
    """The manifest of the DataSource: the image's name, which disks refer to, and the claim that it stands for."""
    claim = image_claim(platform, name)
    return {
        "apiVersion": _API,
        "kind": "DataSource",
        "metadata": _metadata(name),
        "spec": {"source": {"pvc": {"name": claim.name, "namespace": NAMESPACE}}},
    }


def import_cron(platform: Platform, name: str) -> dict[str, Any]:
    """The manifest of the DataImportCron, which fetches what is new of an image, and moves the DataSource to it."""
    template = data_volume(image_claim(platform, name))
    return {
        "apiVersion": _API,
        "kind": "DataImportCron",
        "metadata": _metadata(name),
        "spec": {
            "schedule": platform.golden[name].refresh,
            "managedDataSource": name,
            "garbageCollect": "Outdated",
            "importsToKeep": _KEPT_IMPORTS,
            # What disks are made from outlives a change of the schedule, which makes another object.
            "retentionPolicy": "All",
            "template": {"metadata": {"labels": {LABEL: name}}, "spec": template["spec"]},
        },
    }


def _at_once(manifest: dict[str, Any]) -> dict[str, Any]:
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": dict(_AT_ONCE)}}


def _metadata(name: str) -> dict[str, Any]:
    return {"name": name, "namespace": NAMESPACE, "labels": {LABEL: name}}
