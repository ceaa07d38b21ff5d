"""The machines that virtual machines may run on, and the labels of nodes by which they get there."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .virtualization import VirtualMachineSpec
from .vmnetworks import is_partial, network_label, networks_of

if TYPE_CHECKING:
    from .platform import Platform

CLASS_LABEL = "bedplate/class"
"""The label of nodes with their class, where a VM is to run on the machines of that class."""


def guest_arch(platform: "Platform", vm: VirtualMachineSpec) -> str:
    """The architecture of a VM's guest; amd64 where no machine runs VMs, which is refused."""
    return vm.arch or next(iter(platform.vm_architectures), "amd64")


def places(platform: "Platform", name: str) -> frozenset[str]:
    """The machines that may run a VM: of its architecture, of its class, and with all its networks."""
    vm = platform.vms[name]
    arch, wanted = guest_arch(platform, vm), vm.place.class_
    machines, found = platform.machines, platform.machines_by_vm_network
    having = [found[network] for network in vm.nics if network in found]
    return frozenset(
        each
        for each in platform.schedulable
        if machines[each].arch == arch
        and wanted in (None, machines[each].class_)
        and all(each in those for those in having)
    )


def node_labels(platform: "Platform", machine: str) -> dict[str, str]:
    """Label to value of a machine's node, by which VMs find machines of their class and with their networks."""
    class_ = platform.machines[machine].class_
    labels = {CLASS_LABEL: class_} if class_ is not None and class_ in platform.vm_classes else {}
    networks = networks_of(platform, machine)
    return labels | {network_label(name): "true" for name in networks if is_partial(platform, name)}


def node_selector(platform: "Platform", vm: VirtualMachineSpec) -> dict[str, str]:
    """Labels of the nodes that a VM may run on, by key; empty where it may run on all."""
    selector = {CLASS_LABEL: vm.place.class_} if vm.place.class_ is not None else {}
    return selector | {network_label(each): "true" for each in vm.nics if is_partial(platform, each)}


def taints_of(platform: "Platform", class_: str) -> Mapping[str, str]:
    """The taints of a class's machines that run VMs: key to value:effect, or to the effect alone."""
    machines = (platform.machines[each] for each in platform.schedulable)
    return dict(sorted(taint for each in machines if each.class_ == class_ for taint in each.taints.items()))
