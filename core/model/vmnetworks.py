"""The `vm_networks` section: networks of the site to which virtual machines are connected, and a VM's links in them."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from .addresses import Address, Mac, ServerAddress, SiteNetwork
from .nics import DEFAULT_MTU, Mtu
from .pattern import Pattern
from .ranges import Ranges
from .types import ClassName, LinkName, Model

if TYPE_CHECKING:
    from .platform import Platform

POD_NETWORK = "default"
"""The name of a VM's link on the pod network."""

# Linux allows 15 characters for a link, and the bridge is br-NAME.
VmNetworkName = Annotated[
    str,
    Pattern(
        r"(?!default$)[a-z]([a-z0-9-]{0,10}[a-z0-9])?",
        "a valid name of a VM network",
        "the bridge br-NAME is made from it, the kernel allows 15 characters, and default is the pod network",
        "use at most 12 of a-z, 0-9 and -, starting with a letter, e.g. dmz",
    ),
]


class VmNetworkSpec(Model):
    """A network of the site. Its VMs are connected by a bridge on each machine that runs VMs."""

    link: LinkName = Field(examples=["bond0"])
    """A link, bond or bridge that each of those machines has: lan0 is the boot link."""
    vlan: Annotated[int, Field(ge=1, le=4094, strict=True)] | None = Field(default=None, examples=[100])
    """The VLAN's id, with which the switch tags its packets on the link. Unset: packets without a tag, and link is a
    bridge."""
    mtu: Mtu | None = None
    """Bytes of the largest packet, at most the link's: of the bridge, of the VM's pod and of the guest. Unset: 1500."""
    classes: tuple[ClassName, ...] = Field(default=(), examples=["[hypervisor]"])
    """The classes of machines that have the network, where not all do. Its VMs run on these alone."""
    subnet: SiteNetwork | None = Field(default=None, examples=["10.20.0.0/24"])
    """The IP network. Required for VMs with an address of their own."""
    gateway: Address | None = Field(default=None, examples=["10.20.0.1"])
    """The router of the subnet, for VMs with an address of their own."""
    resolvers: tuple[ServerAddress, ...] = ()
    """DNS servers, for VMs with an address of their own. Empty: those of network.resolvers."""
    dhcp: Ranges = Field(default=(), examples=["10.20.0.100-10.20.0.199"])
    """Addresses that the site's DHCP server assigns, which no VM may have as its own. One range, or a list."""

    @property
    def size(self) -> int:
        """Bytes of the largest packet."""
        return self.mtu or DEFAULT_MTU


class VmNicSpec(Model):
    """A VM's link in a network of vm_networks."""

    address: Address | None = Field(default=None, examples=["10.20.0.15"])
    """The guest's address, which cloud-init sets at its first start. Unset: the guest asks over DHCP."""
    mac: Mac | None = None
    """MAC address of the link. Unset: made from the names of VM and network, and always the same."""
    default_route: Annotated[bool, Field(strict=True)] = False
    """The guest reaches other networks over this link and not over the pod network. A VM without the pod network does
    so over the first link whose network has a gateway."""


def bridge_of(platform: "Platform", network: str) -> str:
    """Name of the bridge that connects a network's VMs, on each machine that has the network."""
    spec = platform.vm_networks[network]
    return spec.link if spec.vlan is None else f"br-{network}"


def vlan_of(network: str) -> str:
    """Name of the VLAN link beneath the bridge of a network with a VLAN."""
    return f"vm-{network}"


def networks_of(platform: "Platform", machine: str) -> dict[str, VmNetworkSpec]:
    """The networks that a machine has for VMs, by name."""
    return {
        name: spec for name, spec in platform.vm_networks.items() if machine in platform.machines_by_vm_network[name]
    }


def network_label(network: str) -> str:
    """The label of nodes that have a network, where not all nodes that run VMs have it."""
    return f"bedplate/network-{network}"


def is_partial(platform: "Platform", network: str) -> bool:
    """Whether some machine that runs VMs lacks the network."""
    return len(platform.machines_by_vm_network[network]) < len(platform.schedulable)


def default_nic(platform: "Platform", vm: str) -> str | None:
    """The network over which a guest reaches other networks; None where that is the pod network, or by DHCP alone."""
    spec = platform.vms[vm]
    chosen = next((name for name, nic in spec.nics.items() if nic.default_route), None)
    if chosen or spec.pod_network:
        return chosen
    known = platform.vm_networks
    return next((name for name in spec.nics if name in known and known[name].gateway), None)
