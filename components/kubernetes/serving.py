"""Kubelets whose serving certificates are signed by the cluster."""

from pulumi import ComponentResource, Resource, ResourceOptions

from components.aliases import formerly
from core.manifests.approver import NAMESPACE, approver
from core.manifests.objects import former_name, object_name

from .cluster import Cluster
from .namespace import Namespace, NamespaceArgs
from .objects import KubernetesObject


class KubeletCertificates(ComponentResource):
    """The approver of kubelets' certificate requests, object by object, in a closed namespace of its own.

    Nothing depends on it: until it runs, nodes are Ready and pods run, and only `kubectl logs` and `exec` fail.
    """

    def __init__(self, name: str, cluster: Cluster, opts: ResourceOptions | None = None) -> None:
        super().__init__("bedplate:kubernetes:KubeletCertificates", name, None, opts)
        space = NamespaceArgs(cluster=cluster, profile="restricted")
        needed: list[Resource] = [Namespace(NAMESPACE, space, ResourceOptions(parent=self)).closed]
        for manifest in approver(cluster.platform):
            child = formerly(cluster.options(self, *needed), name=former_name(name, manifest))
            needed.append(KubernetesObject(object_name(manifest), manifest, child))
        self.register_outputs({})
