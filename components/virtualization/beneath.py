"""The layers beneath virtual machines, as far as a platform has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pulumi import ComponentResource, Resource, ResourceOptions

from components.kubernetes import Cluster, KubernetesObject
from components.storage import Volumes
from core.manifests import multus
from core.manifests.objects import object_name


@dataclass(frozen=True, kw_only=True)
class Beneath:
    """What virtual machines are on."""

    hypervisor: Resource
    """Done once the cluster can run virtual machines."""
    volumes: Volumes
    """Classes of volumes, what fills disks, and golden images."""
    networks: Mapping[str, Sequence[Resource]] = field(default_factory=dict)
    """Namespace to what is done once its VMs can be connected to networks of the site."""


def beneath(cluster: Cluster, hypervisor: Resource, volumes: Volumes, closed: Mapping[str, Resource]) -> Beneath:
    """What VMs are on, with Multus where they have links in other networks. closed: namespace to its policy."""
    if not any(vm.nics for vm in cluster.platform.vms.values()):
        return Beneath(hypervisor=hypervisor, volumes=volumes)
    return Beneath(hypervisor=hypervisor, volumes=volumes, networks=Multus("multus", cluster, closed).networks)


class Multus(ComponentResource):
    """Multus, object by object, in a closed namespace of its own, and the networks of each namespace with VMs."""

    networks: Mapping[str, Sequence[KubernetesObject]]
    """Namespace to its networks, which are registered once Multus runs on each machine."""

    def __init__(
        self, name: str, cluster: Cluster, closed: Mapping[str, Resource], opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("bedplate:virtualization:Multus", name, None, opts)
        space, deny = multus.namespace()
        made = KubernetesObject(object_name(space), space, cluster.options(self, cluster.network))
        needed = [KubernetesObject(f"{object_name(space)}-default-deny", deny, cluster.options(self, made))]
        for manifest in multus.multus():
            needed.append(KubernetesObject(object_name(manifest), manifest, cluster.options(self, *needed)))
        found: dict[str, list[KubernetesObject]] = {}
        for manifest in multus.networks(cluster.platform):
            of = manifest["metadata"]["namespace"]
            how = cluster.options(self, *needed, closed[of])
            found.setdefault(of, []).append(KubernetesObject(f"{of}/{object_name(manifest)}", manifest, how))
        self.networks = found
        self.register_outputs({})
