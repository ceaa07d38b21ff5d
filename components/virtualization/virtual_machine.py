"""Virtual machines."""

from dataclasses import dataclass

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, Output, Resource, ResourceOptions

from components.kubernetes import KubernetesObject, opened
from core import model
from core.manifests import virtual_machine as machine


@dataclass(frozen=True, kw_only=True)
class VmArgs:
    vm: model.VirtualMachineSpec
    migratable: bool
    """There is another node to move to."""
    kubernetes: k8s.Provider
    namespace: Resource
    """What makes its namespace closed."""
    hypervisor: Resource
    """What makes VMs run."""


class Vm(ComponentResource):
    """One virtual machine with its cloud-init and its open ports."""

    machine: KubernetesObject

    def __init__(self, name: str, args: VmArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("bedplate:virtualization:Vm", f"vm-{name}", None, opts)
        child = ResourceOptions(parent=self, provider=args.kubernetes, depends_on=[args.namespace])
        secret = machine.secret(name, args.vm)
        secret["stringData"] = Output.secret(secret["stringData"])
        made = [KubernetesObject(f"vm-{name}-cloud-init", secret, child)]
        if args.vm.ports:
            way_in = opened(name, args.vm.namespace, {machine.LABEL: name}, args.vm.ports)
            made.append(KubernetesObject(f"vm-{name}-ports", way_in, child))
        child.depends_on = [*made, args.hypervisor]
        self.machine = KubernetesObject(f"vm-{name}", machine.virtual_machine(name, args.vm, args.migratable), child)
        self.register_outputs({})
