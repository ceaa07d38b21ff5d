"""KubeVirt: virtual machines become a kind of object in the cluster."""

from pulumi import ComponentResource, ResourceOptions

from components.aliases import formerly
from components.kubernetes import Cluster, KubernetesObject
from core.manifests.kubevirt import kubevirt, operator
from core.manifests.objects import former_name, object_name


class KubeVirt(ComponentResource):
    """The operator, object by object, and the KubeVirt object that it acts on."""

    installed: KubernetesObject
    """Done once the cluster can run virtual machines."""

    def __init__(self, name: str, cluster: Cluster, opts: ResourceOptions | None = None) -> None:
        super().__init__("bedplate:virtualization:KubeVirt", name, None, opts)
        assert cluster.platform.kubevirt is not None
        version = cluster.platform.kubevirt.version
        namespace, *rest = operator(version)
        child = formerly(cluster.options(self, cluster.network), name=former_name(name, namespace))
        first = KubernetesObject(object_name(namespace), namespace, child)
        objects = [
            KubernetesObject(
                object_name(manifest),
                manifest,
                formerly(cluster.options(self, first), name=former_name(name, manifest)),
            )
            for manifest in rest
        ]
        wanted = kubevirt(cluster.platform)
        child = formerly(cluster.options(self, *objects), name=f"{name}-kubevirt")
        self.installed = KubernetesObject(object_name(wanted), wanted, child)
        self.register_outputs({"version": version})
