"""Snapshots on a schedule: a namespace of their own, a way to the Talos API, a place, and a CronJob."""

from dataclasses import dataclass

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, Resource, ResourceOptions

from components.kubernetes import KubernetesObject, Namespace, NamespaceArgs, key
from core.manifests.snapshots import account, job, storage, way_out
from core.model import Platform
from core.model.snapshots import NAMESPACE


@dataclass(frozen=True, kw_only=True)
class SnapshotsArgs:
    platform: Platform
    kubernetes: k8s.Provider
    network: Resource
    """What makes the cluster's network stand: a policy that nobody enforces is none."""


class Snapshots(ComponentResource):
    """A cluster that saves its own etcd.

    Talos itself brings the kind of the account, seconds after control planes got the config that allows it. Asked
    for earlier, the provider asks again for half a minute.
    """

    def __init__(self, name: str, args: SnapshotsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("bedplate:snapshots:Snapshots", name, None, opts)
        inner = ResourceOptions(parent=self)
        space = Namespace(
            NAMESPACE, NamespaceArgs(profile="restricted", kubernetes=args.kubernetes, network=args.network), inner
        )
        child = ResourceOptions(parent=self, provider=args.kubernetes, depends_on=[space.closed])
        needed = [
            KubernetesObject(f"{name}-{key(manifest)}", manifest, child)
            for manifest in (way_out(), account(), *storage(args.platform))
        ]
        KubernetesObject(
            f"{name}-cronjob",
            job(args.platform),
            ResourceOptions(parent=self, provider=args.kubernetes, depends_on=needed),
        )
        self.register_outputs({})
