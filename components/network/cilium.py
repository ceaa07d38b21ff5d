"""Cilium: what makes nodes Ready and lets pods speak."""

from dataclasses import dataclass

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, ResourceOptions

from components.kubernetes import KubernetesObject, key
from components.platform import Platform

from .values import announcements, values


@dataclass(frozen=True, kw_only=True)
class CiliumArgs:
    platform: Platform
    kubernetes: k8s.Provider


class Cilium(ComponentResource):
    """The cluster's network as a Helm Release, which previews with no cluster and no chart at hand."""

    release: k8s.helm.v3.Release
    """What waits for the network waits for this."""

    def __init__(self, name: str, args: CiliumArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("bedplate:network:Cilium", name, None, opts)
        want = args.platform.cilium
        self.release = k8s.helm.v3.Release(
            f"{name}-release",
            # Objects of the chart are named after the release; others refer to them.
            name="cilium",
            chart=want.chart,
            version=want.version,
            repository_opts=k8s.helm.v3.RepositoryOptsArgs(repo=want.repository) if want.repository else None,
            namespace="kube-system",
            values=values(args.platform),
            opts=ResourceOptions(parent=self, provider=args.kubernetes),
        )
        after = ResourceOptions(parent=self, provider=args.kubernetes, depends_on=[self.release])
        for manifest in announcements(args.platform):
            KubernetesObject(f"{name}-{key(manifest)}", manifest, after)
        self.register_outputs({"version": self.release.version})
