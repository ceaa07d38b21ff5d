"""Golden images: fetched once, and the source of any number of disks."""

from collections.abc import Mapping, Sequence

from pulumi import ComponentResource, Resource, ResourceOptions

from components.kubernetes import Cluster, KubernetesObject, Namespace, NamespaceArgs
from components.native import ContractResource
from core.facts.golden import NAMESPACE
from core.manifests import disk as manifests
from core.manifests import golden
from core.model.claims import image_claim
from core.native.storage import GOLDEN_IMAGE

# A large image over a slow line. CDI goes on without this run, so that the next one finds more of it done.
FILL_TIMEOUT_SECONDS = 7200


class GoldenImages(ComponentResource):
    """The namespace of the images, and for each a claim with a name of its own, or what fetches newer ones."""

    ready: Mapping[str, Resource]
    """Each image by name: done once disks can be made from it."""

    def __init__(
        self, name: str, cluster: Cluster, needed: Sequence[Resource], opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("bedplate:storage:GoldenImages", name, None, opts)
        # Pods that fill a claim run in it, as they do in the namespaces of VMs.
        space = NamespaceArgs(cluster=cluster, profile="baseline")
        closed = Namespace(NAMESPACE, space, ResourceOptions(parent=self)).closed
        below = cluster.options(self, closed, *needed)
        self.ready = {image: _image(self, cluster, image, below) for image in cluster.platform.golden}
        self.register_outputs({})


def _image(parent: Resource, cluster: Cluster, name: str, below: ResourceOptions) -> Resource:
    want, claim = cluster.platform.golden[name], image_claim(cluster.platform, name)
    ca = manifests.authorities(claim)
    beside = [KubernetesObject(f"image-{name}-ca", ca, below)] if ca else []
    own = ResourceOptions.merge(below, ResourceOptions(depends_on=beside))
    if want.refresh:
        # CDI changes none of its fields.
        once = ResourceOptions(replace_on_changes=["spec"], delete_before_replace=True)
        made = KubernetesObject(
            f"image-{name}", golden.import_cron(cluster.platform, name), ResourceOptions.merge(own, once)
        )
    else:
        volume = KubernetesObject(f"image-{name}/volume", golden.volume(cluster.platform, name), own)
        named = ResourceOptions.merge(below, ResourceOptions(depends_on=[volume]))
        made = KubernetesObject(f"image-{name}", golden.data_source(cluster.platform, name), named)
    values = {
        "image": name,
        "claim": "" if want.refresh else claim.name,
        "source": manifests.described(claim),
        "kubeconfig": cluster.api.kubeconfig,
        "timeoutSeconds": FILL_TIMEOUT_SECONDS,
    }
    return ContractResource(GOLDEN_IMAGE, f"image-{name}", values, ResourceOptions(parent=parent, depends_on=[made]))
