"""Any Kubernetes object as a resource of its own, from its manifest."""

from collections.abc import Mapping
from typing import Any

from pulumi import CustomResource, ResourceOptions

from core.manifests.objects import owned, token


class KubernetesObject(CustomResource):
    """One object, registered exactly as its manifest says.

    The SDK's typed classes would need a translation of each manifest. Its YAML components render inside the provider,
    so that before the cluster exists nothing of theirs shows in a plan and no policy can judge them.
    """

    def __init__(self, name: str, manifest: Mapping[str, Any], opts: ResourceOptions) -> None:
        super().__init__(token(manifest), name, owned(manifest), opts)
