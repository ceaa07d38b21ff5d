"""Cilium: the network by which nodes become Ready and pods reach each other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, Input, Output, ResourceOptions

from components.aliases import formerly
from components.kubernetes import Chart, KubernetesObject, NodeReady, clear_interrupted_release
from core import standins
from core.facts.charts import cached
from core.manifests.cilium import announcements, values
from core.manifests.objects import former_name, object_name
from core.model import Platform

_NAMESPACE = "kube-system"
# The chart names its objects after the release, and other objects refer to them.
_RELEASE = "cilium"


@dataclass(frozen=True, kw_only=True)
class CiliumArgs:
    """The platform, and its API once it answers."""

    platform: Platform
    kubernetes: k8s.Provider
    kubeconfig: Input[str]
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Stand-in to secret of the stack file."""


class Cilium(ComponentResource):
    """The cluster's network as a Helm Release, which can be planned without a cluster and without the chart.

    Helm does not wait for the pods. The gates do, node by node, and report which node is not Ready and why. A run
    that is killed while Helm works leaves a record that Helm refuses to go on from: the next run clears it.
    """

    ready: NodeReady
    """The gate of the first control plane: layers that need the network depend on it, and on no worker."""

    def __init__(self, name: str, args: CiliumArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("bedplate:network:Cilium", name, None, opts)
        release = self._release(name, args)
        for manifest in announcements(args.platform):
            after = ResourceOptions(parent=self, provider=args.kubernetes, depends_on=[release])
            after = formerly(after, name=former_name(name, manifest))
            KubernetesObject(f"{name}-{object_name(manifest)}", manifest, after)
        gate = ResourceOptions(parent=self, depends_on=[release])
        nodes = {node: NodeReady(f"{name}-{node}", node, args.kubeconfig, gate) for node in args.platform.machines}
        self.ready = nodes[args.platform.first]
        self.register_outputs({"version": release.version})

    def _chart(self, name: str, args: CiliumArgs) -> Input[str]:
        """The chart as Helm gets it: what is pinned by itself, or a file that was compared with its digest."""
        want = args.platform.cilium
        if not want.by_name:
            return want.chart
        assert want.sha256 is not None, "the model requires a digest of every chart from a repository"
        return Chart(
            f"{name}-chart",
            url=want.source,
            sha256=want.sha256,
            file=cached(want.chart, want.version, want.sha256),
            kubeconfig=args.kubeconfig,
            opts=ResourceOptions(parent=self),
        ).file

    def _release(self, name: str, args: CiliumArgs) -> k8s.helm.v3.Release:
        want = args.platform.cilium
        hooks = clear_interrupted_release(
            name, kubeconfig=args.kubeconfig, namespace=_NAMESPACE, release=_RELEASE, version=want.version
        )
        return k8s.helm.v3.Release(
            f"{name}-release",
            name=_RELEASE,
            chart=self._chart(name, args),
            version=want.version,
            namespace=_NAMESPACE,
            values=_opened(values(args.platform), args.secrets),
            skip_await=True,
            opts=ResourceOptions(
                parent=self,
                provider=args.kubernetes,
                hooks=hooks,
                # What the plugin answers would not be marked as secret by itself.
                additional_secret_outputs=["values"] if any(standins.within(values(args.platform))) else None,
            ),
        )


def _opened(value: Any, secrets: Mapping[str, str]) -> Any:
    """The values with secret outputs in place of stand-ins."""
    if isinstance(value, Mapping):
        return {key: _opened(inner, secrets) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_opened(inner, secrets) for inner in value]
    return Output.secret(standins.opened(value, secrets)) if standins.is_one(value) else value
