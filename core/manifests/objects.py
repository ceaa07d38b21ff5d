"""Facts about any Kubernetes object, read from its manifest."""

from collections.abc import Mapping
from typing import Any

LABEL = "bedplate/vm"
"""The label of everything that belongs to a VM: its name."""
FIELD_MANAGER = "pulumi.com/patchFieldManager"


def owned(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest with a field manager whose name never changes.

    The Kubernetes provider makes up a new name for every object that is not in its state. An object that an
    interrupted run had already created would then conflict with itself, field by field.
    """
    metadata = manifest["metadata"]
    annotations = {**metadata.get("annotations", {}), FIELD_MANAGER: "bedplate"}
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}


def token(manifest: Mapping[str, Any]) -> str:
    """The Kubernetes provider's type token for the object, such as kubernetes:apps/v1:Deployment."""
    version = manifest["apiVersion"]
    return f"kubernetes:{version if '/' in version else f'core/{version}'}:{manifest['kind']}"


def object_name(manifest: Mapping[str, Any]) -> str:
    """The object's own name. The resource's type already says its kind, so its name need not."""
    return str(manifest["metadata"]["name"])


def former_name(prefix: str, manifest: Mapping[str, Any]) -> str:
    """The resource name that states of release 0.1.0 have: kubevirt-clusterrole-kubevirt-operator."""
    return f"{prefix}-{manifest['kind'].lower()}-{object_name(manifest)}"
