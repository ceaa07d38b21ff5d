"""Snapshots on a schedule: a namespace of their own, access to the Talos API, storage, and a CronJob."""

from pulumi import ComponentResource, ResourceOptions

from components.aliases import formerly
from components.kubernetes import Cluster, KubernetesObject, Namespace, NamespaceArgs
from core.facts.snapshots import NAMESPACE
from core.manifests.objects import former_name, object_name
from core.manifests.snapshots import account, allow_talos_api, job, storage


class Snapshots(ComponentResource):
    """A cluster that saves its own etcd.

    Talos itself installs the CRD of the account, seconds after control planes have the config that allows it. If it
    is not there yet, the Kubernetes provider retries for half a minute.
    """

    def __init__(self, name: str, cluster: Cluster, opts: ResourceOptions | None = None) -> None:
        super().__init__("bedplate:snapshots:Snapshots", name, None, opts)
        space = NamespaceArgs(cluster=cluster, profile="restricted")
        closed = Namespace(NAMESPACE, space, ResourceOptions(parent=self)).closed
        needed = [
            KubernetesObject(
                object_name(manifest),
                manifest,
                formerly(cluster.options(self, closed), name=former_name(name, manifest)),
            )
            for manifest in (allow_talos_api(), account(), *storage(cluster.platform))
        ]
        manifest = job(cluster.platform)
        child = formerly(cluster.options(self, *needed), name=f"{name}-cronjob")
        KubernetesObject(object_name(manifest), manifest, child)
        self.register_outputs({})
