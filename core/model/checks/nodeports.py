"""The networks in which node ports are open: those in which a machine has an address."""

from collections.abc import Iterator, Mapping
from typing import Any

from core.facts.networks import IpAddress, IpNetwork
from core.model.faults import Fault, fault
from core.model.machine import MachineSpec
from core.model.patches import all_patches
from core.model.platform import Platform

from .registry import check

PATH = ("cilium", "node_ports")
# Source: siderolabs/talos, pkg/machinery/config/types/network: documents that give a link an address.
_ADDRESSES = frozenset(
    {
        "LinkConfig",
        "BondConfig",
        "VLANConfig",
        "BridgeConfig",
        "DummyLinkConfig",
        "VRFConfig",
        "WireguardConfig",
        "DHCPv4Config",
        "DHCPv6Config",
        "Layer2VIPConfig",
        "HCloudVIPConfig",
        "KubeSpanConfig",
    }
)


@check("network", "machines", "cilium", "talos", "classes")
def node_ports_are_at_machines(p: Platform) -> Iterator[Fault]:
    """Each of these networks is one in which a machine has an address, as far as the stack file says."""
    known = set(_known(p))
    served = {network.version for network in p.network.pods}
    for network in p.cilium.node_ports:
        if network.version not in served:
            yield fault(
                PATH,
                f"{network} is of IPv{network.version}, and network.pods is not",
                "Cilium serves node ports of the IP versions that pods have",
                "remove it",
            )
        elif not any(address in network for address in known) and not _may_be_others(p, network):
            yield fault(
                PATH,
                f"no machine has an address in {network}",
                "Cilium serves node ports at addresses of machines only, so none would be open there",
                f"write networks of machines, e.g. {_example(p, network)}, or remove it",
            )


def _known(p: Platform) -> Iterator[IpAddress]:
    """The addresses that the stack file gives to machines, the virtual IP among them."""
    for machine in p.declared.values():
        yield from machine.addresses
        yield from (address.ip for _, address in machine.nics.addresses())
    if p.vip is not None:
        yield p.vip


def _example(p: Platform, network: IpNetwork) -> str:
    """A node network of the same IP version, or the first one."""
    return str(next((each for each in p.network.nodes if each.version == network.version), p.network.nodes[0]))


def _may_be_others(p: Platform, network: IpNetwork) -> bool:
    """Whether machines may have addresses of this IP version that the stack file doesn't say."""
    if any(_gives_addresses(patch) for _, patch in all_patches(p)):
        return True
    own = _unsaid_ipv4 if network.version == 4 else _unsaid_ipv6
    return any(own(p, name, machine) for name, machine in p.declared.items())


def _gives_addresses(patch: Mapping[str, Any]) -> bool:
    machine = patch.get("machine")
    return patch.get("kind") in _ADDRESSES or (isinstance(machine, Mapping) and "network" in machine)


def _unsaid_ipv4(p: Platform, name: str, machine: MachineSpec) -> bool:
    """Whether a DHCP server, or the kernel's ip=, may give the machine further addresses."""
    if any(link.dhcp for _, _, link in machine.nics.every()) or _has_ip_argument(p, name):
        return True
    # Without a configured link, Talos asks for an address on each of them.
    static = any(address.version == 4 and p.network.gateway_of(p.network.of(address)) for address in machine.addresses)
    return machine.boot_link is None or not (static or machine.nics.configured)


def _unsaid_ipv6(p: Platform, name: str, machine: MachineSpec) -> bool:
    """Whether DHCP, router announcements or the kernel's ip= may give the machine further addresses."""
    static = any(address.version == 6 and p.network.gateway_of(p.network.of(address)) for address in machine.addresses)
    return not static or machine.nics.configured or machine.boot_link is None or _has_ip_argument(p, name)


def _has_ip_argument(p: Platform, name: str) -> bool:
    given = (*p.schematic_of(name).kernel_args, *(p.boot.kernel_args if p.boot else ()))
    return any(argument.startswith("ip=") for argument in given)
