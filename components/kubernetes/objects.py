"""Any Kubernetes object as a resource of its own, from its manifest."""

from collections.abc import Mapping
from typing import Any

from pulumi import CustomResource, ResourceOptions

FIELD_MANAGER = "pulumi.com/patchFieldManager"


class KubernetesObject(CustomResource):
    """One object, registered as it is written.

    The SDK's typed classes would need a translation of each manifest, and its YAML components render inside the
    provider: nothing of theirs shows, and nothing can be judged, before the cluster exists.
    """

    def __init__(self, name: str, manifest: Mapping[str, Any], opts: ResourceOptions) -> None:
        super().__init__(token(manifest), name, owned(manifest), opts)


def owned(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The object with a field manager of one name for all times.

    The provider makes up a new name for every object that its state does not hold: one that a killed run had made
    already would then conflict with itself, field by field.
    """
    metadata = manifest["metadata"]
    return {
        **manifest,
        "metadata": {**metadata, "annotations": {**metadata.get("annotations", {}), FIELD_MANAGER: "bedplate"}},
    }


def token(manifest: Mapping[str, Any]) -> str:
    """The resource type that the Kubernetes provider has for an object: kubernetes:apps/v1:Deployment."""
    version = manifest["apiVersion"]
    return f"kubernetes:{version if '/' in version else f'core/{version}'}:{manifest['kind']}"


def key(manifest: Mapping[str, Any]) -> str:
    """A name for the object that no other one of its manifest has: clusterrole-kubevirt-operator."""
    return f"{manifest['kind'].lower()}-{manifest['metadata']['name']}"
