"""CDI: images become the disks of virtual machines."""

from collections.abc import Sequence

from pulumi import ComponentResource, Resource, ResourceOptions

from components.kubernetes import Cluster, KubernetesObject
from core.manifests.cdi import cdi, operator, profiles
from core.manifests.objects import object_name


class Cdi(ComponentResource):
    """The operator, object by object, the CDI object that it acts on, and profiles of classes that CDI doesn't know."""

    ready: tuple[KubernetesObject, ...]
    """Done once CDI fills disks, in every class of the stack file."""

    def __init__(
        self, name: str, cluster: Cluster, classes: Sequence[Resource], opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("bedplate:storage:Cdi", name, None, opts)
        assert cluster.platform.cdi is not None
        namespace, *rest = operator(cluster.platform.cdi)
        first = KubernetesObject(object_name(namespace), namespace, cluster.options(self, cluster.network))
        objects = [KubernetesObject(object_name(manifest), manifest, cluster.options(self, first)) for manifest in rest]
        wanted = cdi(cluster.platform)
        installed = KubernetesObject(object_name(wanted), wanted, cluster.options(self, *objects, *classes))
        # CDI makes a profile of each class, and its spec is added to that.
        known = [
            KubernetesObject(object_name(manifest), manifest, cluster.options(self, installed))
            for manifest in profiles(cluster.platform)
        ]
        self.ready = (installed, *known)
        self.register_outputs({"version": cluster.platform.cdi.version})
