"""Volumes on the machines' own disks."""

from pulumi import ComponentResource, Resource, ResourceOptions

from components.kubernetes import Cluster, KubernetesObject
from core.manifests.local_path import classes, namespace, provisioner
from core.manifests.objects import object_name


class LocalStorage(ComponentResource):
    """The provisioner, object by object, in a closed namespace of its own, and its classes."""

    classes: tuple[KubernetesObject, ...]
    """The StorageClasses: registered once the provisioner runs."""

    def __init__(self, name: str, cluster: Cluster, opts: ResourceOptions | None = None) -> None:
        super().__init__("bedplate:storage:LocalStorage", name, None, opts)
        space, deny = namespace()
        made = KubernetesObject(object_name(space), space, cluster.options(self, cluster.network))
        closed = KubernetesObject(f"{object_name(space)}-default-deny", deny, cluster.options(self, made))
        needed: list[Resource] = [closed]
        for manifest in provisioner(cluster.platform):
            needed.append(KubernetesObject(object_name(manifest), manifest, cluster.options(self, *needed)))
        self.classes = tuple(
            KubernetesObject(object_name(manifest), manifest, cluster.options(self, *needed))
            for manifest in classes(cluster.platform)
        )
        self.register_outputs({})
