"""The Kubernetes API: from a kubeconfig to a provider that may be used."""

from dataclasses import dataclass
from typing import Any

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, Input, Output, ResourceOptions, RunError

from core.credentials.kubeconfig import KubeconfigRefused, rebuilt
from core.model import Platform

from .gates import API_TIMEOUT_SECONDS, ApiReady


@dataclass(frozen=True, kw_only=True)
class KubernetesArgs:
    """The platform, and the credentials of its API."""

    platform: Platform
    kubeconfig: Input[str]


class Kubernetes(ComponentResource):
    """The platform's Kubernetes API, once it answers."""

    provider: k8s.Provider
    """What registers objects with the API."""
    kubeconfig: Output[str]
    """The kubeconfig, known once the API answers (secret)."""
    version: Output[str]
    """The version that the API reports."""

    def __init__(self, name: str, args: KubernetesArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("bedplate:kubernetes:Kubernetes", name, None, opts)
        gate = ApiReady(f"{name}-api", args.kubeconfig, API_TIMEOUT_SECONDS, ResourceOptions(parent=self))
        self.provider = k8s.Provider(
            f"{name}-provider",
            # The plugin runs whatever command a kubeconfig names, so it reads nothing but what is written here.
            kubeconfig=gate.kubeconfig.apply(lambda text: _rebuilt(text, args.platform.api)),
            # Otherwise a renewed certificate would look like another cluster, and every object would be replaced.
            cluster_identifier=f"{args.platform.name} {args.platform.api}",
            opts=ResourceOptions(parent=self),
        )
        self.kubeconfig = gate.kubeconfig
        self.version = gate.version
        self.register_outputs({"version": self.version})


def _rebuilt(text: Any, server: str) -> Any:
    """The kubeconfig, written here. Any: it is None if an update leaves the gate out (--target, --exclude).

    The engine then leaves the provider out too.
    """
    if text is None:
        return None
    try:
        return rebuilt(text, server)
    except KubeconfigRefused as refused:
        # The program shows the text of this error without a traceback.
        raise RunError(f"kubernetes-provider: the kubeconfig {refused}") from None
