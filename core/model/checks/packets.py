"""Packets of pods and VMs: they fit the links of every machine."""

from collections.abc import Iterator

from core.model.faults import Fault, fault
from core.model.machine import MachineSpec
from core.model.nics import DEFAULT_MTU
from core.model.platform import Platform

from .registry import check


def _largest(machine: MachineSpec) -> int:
    """Bytes of the largest packet on the link with the machine's own address."""
    carrier = machine.nics.carrier(machine.boot_link) if machine.boot_link else None
    spec = next((spec for _, link, spec in machine.nics.every() if link == carrier), None)
    return (spec.mtu if spec else None) or DEFAULT_MTU


@check("network", "cilium", "machines")
def packets_of_pods_fit_the_links(p: Platform) -> Iterator[Fault]:
    """cilium.mtu is at most the mtu of each machine's link to the node network."""
    sizes = {name: _largest(machine) for name, machine in p.machines.items()}
    small = [name for name, size in sizes.items() if p.cilium.mtu is not None and size < p.cilium.mtu]
    if small:
        least = min(sizes[name] for name in small)
        others = f" and {len(small) - 1} more" if len(small) > 1 else ""
        yield fault(
            ("cilium", "mtu"),
            f"{p.cilium.mtu} is more than the mtu of the link to the node network of {small[0]}{others}",
            "larger packets would be dropped",
            f"write at most {least}, less 130 bytes for the tunnel and encryption, or raise the mtu of those links",
        )
