"""Disks of virtual machines: made, filled, and kept."""

from pulumi import ResourceOptions

from components.kubernetes import Cluster, KubernetesObject
from components.native import ContractResource
from core.manifests import disk as manifests
from core.model.claims import Claim
from core.model.copies import copied, unready
from core.native.kubernetes import VM_DISK

# A large image over a slow line. CDI goes on without this run, so that the next one finds more of it done.
FILL_TIMEOUT_SECONDS = 7200


def data_volume(cluster: Cluster, claim: Claim, opts: ResourceOptions) -> KubernetesObject:
    """The DataVolume of a new disk, with what CDI needs to fill it.

    A disk that is kept outlives its entry, its stack and any other source in the stack file. Its size is never a
    change here: CDI refuses that, so FilledDisk lets the claim grow.
    """
    name = resource_name(claim)
    beside = {"ca": manifests.authorities(claim), "fill": manifests.receiving_policy(claim)}
    needed = [KubernetesObject(f"{name}-{what}", manifest, opts) for what, manifest in beside.items() if manifest]
    kept = ResourceOptions(protect=True, retain_on_delete=True, ignore_changes=["spec"])
    replaced = ResourceOptions(
        replace_on_changes=["spec"], ignore_changes=["spec.storage.resources"], delete_before_replace=True
    )
    own = ResourceOptions.merge(kept if claim.spec.keep else replaced, ResourceOptions(depends_on=needed))
    return KubernetesObject(name, manifests.data_volume(claim), ResourceOptions.merge(opts, own))


def resource_name(claim: Claim) -> str:
    """The name of a disk's resources. The slash is in no name of a stack file, so that no two are equal."""
    return f"vm-{claim.vm}/{claim.disk}"


class FilledDisk(ContractResource):
    """Waits until a disk is filled. A failure names the VM, the disk, its source, and what CDI reports."""

    def __init__(self, cluster: Cluster, claim: Claim, opts: ResourceOptions) -> None:
        vm = cluster.platform.vms[claim.vm]
        values = {
            "vm": claim.vm,
            "disk": claim.disk,
            "namespace": claim.namespace,
            "claim": claim.name,
            "source": manifests.described(claim),
            "reached": manifests.reached(claim),
            "volume": " ".join(filter(None, (claim.storage_class, claim.access, claim.mode))),
            "size": claim.spec.size,
            "bytes": str(manifests.volume_size(claim)),
            "grows": manifests.can_grow(cluster.platform, claim),
            "keep": claim.spec.keep,
            "copied": "/".join(copied(claim) or ()),
            "unready": unready(cluster.platform, claim) or "",
            "starts": vm.starts,
            "kubeconfig": cluster.api.kubeconfig,
            "timeoutSeconds": FILL_TIMEOUT_SECONDS,
        }
        super().__init__(VM_DISK, resource_name(claim), values, opts)
