"""VMs in VM networks: networks that exist, places to run, addresses and default routes."""

from collections.abc import Iterator
from difflib import get_close_matches

from core.facts.networks import IpAddress, ends
from core.model.faults import Fault, fault
from core.model.placing import guest_arch, places
from core.model.platform import Platform
from core.model.virtualization import VirtualMachineSpec
from core.model.vmnetworks import VmNetworkSpec

from .registry import check

_SECTIONS = ("vm_networks", "vms", "machines", "classes")


@check("vm_networks")
def nics_have_networks(p: Platform) -> Iterator[Fault]:
    """Each link of a VM is in a network of vm_networks."""
    for name, vm in p.vms.items():
        for network in (each for each in vm.nics if each not in p.vm_networks):
            near = get_close_matches(network, p.vm_networks, n=1)
            known = f"write one of: {', '.join(p.vm_networks)}" if p.vm_networks else "define it under vm_networks"
            yield fault(
                ("vms", name, "nics", network),
                "is not one of vm_networks",
                "the VM would be connected to nothing",
                f"did you mean {near[0]}?" if near else known,
            )


@check(*_SECTIONS)
def vms_have_a_machine_with_their_networks(p: Platform) -> Iterator[Fault]:
    """Some machine has all networks of a VM, and the VM's architecture."""
    for name, vm in p.vms.items():
        wanted = [each for each in vm.nics if each in p.vm_networks]
        having = [p.machines_by_vm_network[each] for each in wanted]
        if not having or not all(having) or places(p, name):
            continue
        arch = guest_arch(p, vm)
        yield fault(
            ("vms", name, "nics"),
            f"no {arch} machine that runs VMs has {' and '.join(wanted)}",
            "the VM could run nowhere",
            "write classes: of the networks so that one machine has all of them, or remove a network",
        )


@check("vm_networks", "network", "machines", "classes", "cilium")
def addresses_of_guests_are_free(p: Platform) -> Iterator[Fault]:
    """An address of a VM is a host of its network that no router, machine, DHCP server or other VM has."""
    owners: dict[tuple[str, IpAddress], str] = {}
    own = {address: f"is that of machine {name}" for address, name in p.addresses().items()}
    own |= {p.vip: "is the virtual IP of the control planes"} if p.vip else {}
    pools = p.cilium.load_balancer.pool if p.cilium.load_balancer else ()
    for name, vm in p.vms.items():
        for network, nic in vm.nics.items():
            spec = p.vm_networks.get(network)
            if spec is None or nic.address is None:
                continue
            path = ("vms", name, "nics", network, "address")
            taken = _taken(network, spec, nic.address) or own.get(nic.address)
            if pool := next((each for each in pools if nic.address in each), None):
                taken = taken or f"is in {pool} of cilium.load_balancer.pool"
            if spec.subnet is None:
                yield fault(
                    path,
                    f"is set, and vm_networks.{network} has no subnet",
                    "a guest must know which addresses it reaches directly",
                    f"write vm_networks.{network}.subnet, or remove address for DHCP",
                )
            elif taken:
                yield fault(
                    path,
                    f"{nic.address} {taken}",
                    "packets to it would not reach the VM",
                    f"write a free host of {spec.subnet}, or remove address for DHCP",
                )
            elif owners.setdefault((network, nic.address), name) != name:
                owner = owners[network, nic.address]
                why = "packets to it would reach one of the two"
                yield fault(path, f"{nic.address} is already that of VM {owner}", why, "use a different address")


def _taken(network: str, spec: VmNetworkSpec, address: IpAddress) -> str | None:
    """Why no VM can have an address in a network, as a clause; None where one can."""
    if spec.subnet is None:
        return None
    if address not in spec.subnet:
        return f"is outside {spec.subnet}, the subnet of {network}"
    if address in ends(spec.subnet):
        return f"is {ends(spec.subnet)[address]} of {spec.subnet}"
    if address == spec.gateway:
        return f"is the gateway of {network}"
    if pool := next((each for each in spec.dhcp if address in each), None):
        return f"is in {pool}, which the DHCP server of {network} assigns"
    return None


@check("vm_networks")
def guests_have_one_way_out(p: Platform) -> Iterator[Fault]:
    """At most one link of a VM has the default route, its network has a router, and no port is behind another link."""
    for name, vm in p.vms.items():
        chosen = [network for network, nic in vm.nics.items() if nic.default_route]
        for network in chosen[1:]:
            yield fault(
                ("vms", name, "nics", network, "default_route"),
                f"is true, and so is that of {chosen[0]}",
                "packets to other networks leave by one link",
                "remove one of the two",
            )
        for network in chosen[:1]:
            yield from _way_out(p, name, vm, network)


def _way_out(p: Platform, name: str, vm: VirtualMachineSpec, network: str) -> Iterator[Fault]:
    path, spec = ("vms", name, "nics", network, "default_route"), p.vm_networks.get(network)
    if spec is not None and spec.gateway is None and vm.nics[network].address is not None:
        yield fault(
            path,
            f"is true, and vm_networks.{network} has no gateway",
            "a guest with an address of its own must know its router",
            f"write vm_networks.{network}.gateway",
        )
    if vm.ports:
        yield fault(
            path,
            "is true, and ports is set",
            "packets to ports come over the pod network, and the guest's replies would leave by this link",
            "remove default_route, or ports: this link has no policy, so its ports are open",
        )
