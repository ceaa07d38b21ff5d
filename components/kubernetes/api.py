"""The Kubernetes API: from a kubeconfig to a provider that may be used."""

from dataclasses import dataclass

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, CustomResource, Input, Output, ResourceOptions

from components.platform import Platform

# From bootstrap to an API that answers: images are pulled, etcd elects, static pods start.
API_TIMEOUT_SECONDS = 900


class ApiReady(CustomResource):
    """Waits until the API behind a kubeconfig answers and is ready, and yields that kubeconfig.

    The kubeconfig is there before the API is (terraform-provider-talos#290), and the Kubernetes provider gives
    up on an API that does not answer.
    """

    kubeconfig: Output[str]
    version: Output[str]

    def __init__(self, name: str, kubeconfig: Input[str], timeout_seconds: int, opts: ResourceOptions) -> None:
        props = {"kubeconfig": Output.secret(kubeconfig), "timeoutSeconds": timeout_seconds, "version": None}
        opts = ResourceOptions.merge(opts, ResourceOptions(additional_secret_outputs=["kubeconfig"]))
        super().__init__("bedplate-native:kubernetes:ApiReady", name, props, opts)


@dataclass(frozen=True, kw_only=True)
class KubernetesArgs:
    platform: Platform
    kubeconfig: Input[str]


class Kubernetes(ComponentResource):
    """The platform's Kubernetes API, ready to be used."""

    provider: k8s.Provider
    version: Output[str]
    """What the API says it is."""

    def __init__(self, name: str, args: KubernetesArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("bedplate:kubernetes:Kubernetes", name, None, opts)
        gate = ApiReady(f"{name}-api", args.kubeconfig, API_TIMEOUT_SECONDS, ResourceOptions(parent=self))
        self.provider = k8s.Provider(
            f"{name}-provider",
            kubeconfig=gate.kubeconfig,
            # Without it a renewed certificate would look like another cluster, and replace every object in it.
            cluster_identifier=f"{args.platform.name} {args.platform.api}",
            opts=ResourceOptions(parent=self),
        )
        self.version = gate.version
        self.register_outputs({"version": self.version})

