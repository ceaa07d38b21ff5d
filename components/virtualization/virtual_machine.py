"""Virtual machines."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pulumi import ComponentResource, Output, Resource, ResourceOptions

from components.kubernetes import Cluster, KubernetesObject
from core.manifests import virtual_machine as manifests
from core.manifests.namespace import allow_ports_policy
from core.model import VirtualMachineSpec


@dataclass(frozen=True, kw_only=True)
class VmArgs:
    """The cluster, one virtual machine of the stack file, and what it depends on."""

    cluster: Cluster
    vm: VirtualMachineSpec
    namespace: Resource
    """The policy that closes its namespace."""
    hypervisor: Resource
    """Done once the cluster can run virtual machines."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Stand-in to secret of the stack file."""


class Vm(ComponentResource):
    """One virtual machine with its cloud-init and its open ports."""

    machine: KubernetesObject
    """The VirtualMachine object."""

    def __init__(self, name: str, args: VmArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("bedplate:virtualization:Vm", f"vm-{name}", None, opts)
        cluster, vm = args.cluster, args.vm
        secret = manifests.secret(name, vm, args.secrets)
        secret["stringData"] = Output.secret(secret["stringData"])
        needed = [KubernetesObject(f"vm-{name}-cloud-init", secret, cluster.options(self, args.namespace))]
        if vm.ports:
            policy = allow_ports_policy(name, vm.namespace, {manifests.LABEL: name}, vm.ports)
            needed.append(KubernetesObject(f"vm-{name}-ports", policy, cluster.options(self, args.namespace)))
        placed = manifests.placement(cluster.platform, vm)
        wanted = manifests.virtual_machine(name, vm, cluster.platform.migratable, placed)
        self.machine = KubernetesObject(f"vm-{name}", wanted, cluster.options(self, *needed, args.hypervisor))
        self.register_outputs({})
