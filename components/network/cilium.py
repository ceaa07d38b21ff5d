"""Cilium: what makes nodes Ready and lets pods speak."""

from dataclasses import dataclass

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, Input, ResourceOptions

from components.kubernetes import KubernetesObject, NodeReady, key, unlocked
from core.manifests.cilium import announcements, values
from core.model import Platform


@dataclass(frozen=True, kw_only=True)
class CiliumArgs:
    platform: Platform
    kubernetes: k8s.Provider
    kubeconfig: Input[str]


class Cilium(ComponentResource):
    """The cluster's network as a Helm Release, which previews with no cluster and no chart at hand.

    Helm does not wait: the gates wait instead, node by node, and say which node is not Ready and why. A run that is
    killed while Helm works leaves a record that Helm itself can't take over: the next one clears it.
    """

    ready: NodeReady
    """That the first control plane is Ready: what waits for the network waits for this, and for no dead worker."""

    def __init__(self, name: str, args: CiliumArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("bedplate:network:Cilium", name, None, opts)
        want = args.platform.cilium
        release = k8s.helm.v3.Release(
            f"{name}-release",
            # Objects of the chart are named after the release; others refer to them.
            name="cilium",
            chart=want.chart,
            version=want.version,
            repository_opts=k8s.helm.v3.RepositoryOptsArgs(repo=want.repository) if want.repository else None,
            namespace="kube-system",
            values=values(args.platform),
            skip_await=True,
            opts=ResourceOptions(
                parent=self,
                provider=args.kubernetes,
                hooks=unlocked(
                    name, kubeconfig=args.kubeconfig, namespace="kube-system", release="cilium", version=want.version
                ),
            ),
        )
        after = ResourceOptions(parent=self, provider=args.kubernetes, depends_on=[release])
        for manifest in announcements(args.platform):
            KubernetesObject(f"{name}-{key(manifest)}", manifest, after)
        gate = ResourceOptions(parent=self, depends_on=[release])
        nodes = {node: NodeReady(f"{name}-{node}", node, args.kubeconfig, gate) for node in args.platform.machines}
        self.ready = nodes[args.platform.first]
        self.register_outputs({"version": release.version})
