"""Namespaces that are closed until a policy opens them."""

from dataclasses import dataclass

from pulumi import ComponentResource, ResourceOptions

from core.manifests.namespace import Profile, closed_namespace

from .cluster import Cluster
from .objects import KubernetesObject


@dataclass(frozen=True, kw_only=True)
class NamespaceArgs:
    """The cluster, and how strict the namespace is."""

    cluster: Cluster
    profile: Profile
    kept: bool = False
    """Whether the namespace and its policy stay in the cluster when their resources are deleted.

    Its claims would be deleted with it, and without the policy it would be open.
    """


class Namespace(ComponentResource):
    """A namespace that is closed by default."""

    closed: KubernetesObject
    """The policy that closes it: everything in the namespace depends on this."""

    def __init__(self, name: str, args: NamespaceArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("bedplate:kubernetes:Namespace", f"namespace-{name}", None, opts)
        space, deny = closed_namespace(name, args.profile)
        cluster = args.cluster
        kept = ResourceOptions(retain_on_delete=True) if args.kept else None
        own = ResourceOptions.merge(cluster.options(self, cluster.network), kept)
        namespace = KubernetesObject(f"namespace-{name}", space, own)
        own = ResourceOptions.merge(cluster.options(self, namespace), kept)
        self.closed = KubernetesObject(f"namespace-{name}-default-deny", deny, own)
        self.register_outputs({})
