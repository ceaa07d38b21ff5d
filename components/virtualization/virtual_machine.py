"""Virtual machines."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pulumi import ComponentResource, Output, Resource, ResourceOptions

from components.kubernetes import Cluster, KubernetesObject
from core.manifests import cloud_init
from core.manifests import virtual_machine as manifests
from core.manifests.namespace import allow_ports_policy
from core.manifests.service import service
from core.model import VirtualMachineSpec
from core.model.claims import claims

from .beneath import Beneath
from .disk import FilledDisk, data_volume


@dataclass(frozen=True, kw_only=True)
class VmArgs:
    """The cluster, one virtual machine of the stack file, and what it depends on."""

    cluster: Cluster
    vm: VirtualMachineSpec
    namespace: Resource
    """The policy that closes its namespace."""
    beneath: Beneath
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Stand-in to secret of the stack file."""


class Vm(ComponentResource):
    """One virtual machine with its disks, its cloud-init, its open ports and its Service."""

    machine: KubernetesObject
    """The VirtualMachine object."""

    def __init__(self, name: str, args: VmArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("bedplate:virtualization:Vm", f"vm-{name}", None, opts)
        cluster, vm = args.cluster, args.vm
        secret = cloud_init.secret(cluster.platform, name, args.secrets)
        secret["stringData"] = Output.secret(secret["stringData"])
        needed = [KubernetesObject(f"vm-{name}-cloud-init", secret, cluster.options(self, args.namespace))]
        if vm.ports:
            policy = allow_ports_policy(name, vm.namespace, {manifests.LABEL: name}, vm.ports)
            needed.append(KubernetesObject(f"vm-{name}-ports", policy, cluster.options(self, args.namespace)))
        made = [claim for claim in claims(cluster.platform, name) if claim.is_made]
        # A disk outlives KubeVirt, so it does not depend on it.
        for claim in made:
            image = args.beneath.volumes.images.get(claim.spec.source.image or "")
            fetched = [image] if image else []
            below = cluster.options(self, args.namespace, *args.beneath.volumes.ready, *fetched)
            needed.append(data_volume(cluster, claim, below))
        wanted = manifests.virtual_machine(cluster.platform, name)
        below = cluster.options(self, *needed, args.beneath.hypervisor, *args.beneath.networks.get(vm.namespace, ()))
        self.machine = KubernetesObject(f"vm-{name}", wanted, below)
        # A volume that is made where its VM runs is filled once there is a VM.
        for claim in made:
            FilledDisk(cluster, claim, ResourceOptions(parent=self, depends_on=[self.machine]))
        if vm.expose:
            KubernetesObject(f"vm-{name}", service(name, vm), cluster.options(self, args.namespace))
        self.register_outputs({})
