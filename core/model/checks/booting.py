"""What the boot of a machine requires: its MAC, its link, a boot server."""

from collections.abc import Iterator

from core.model.faults import Fault, fault
from core.model.platform import Platform

from .registry import check


@check("boot")
def bmc_has_a_boot_server(p: Platform) -> Iterator[Fault]:
    """A machine with a BMC boots from the network, so the platform has a boot server."""
    for name, machine in p.declared.items():
        if machine.bmc is not None and p.boot is None:
            yield fault(
                ("machines", name, "bmc"),
                "is set, but the platform has no boot:",
                "its BMC would boot it from a network on which no boot server answers",
                "write boot: {matchbox: {…}}, or remove bmc and boot the machine by hand",
            )


@check("boot")
def network_boot_knows_the_mac(p: Platform) -> Iterator[Fault]:
    """Machines that boot from the network have a MAC."""
    for name, machine in p.machines.items():
        if p.boot and machine.mac is None:
            yield fault(
                ("machines", name, "mac"),
                "is missing",
                "the boot server identifies the machine by it",
                "read the MAC from the machine's label or from its BMC",
            )


@check()
def boot_link_is_known(p: Platform) -> Iterator[Fault]:
    """A static address or a virtual IP requires the boot link's MAC or name."""
    if p.boot:
        return  # A network boot requires the MAC anyway.
    for name, machine in p.machines.items():
        shares = machine.role == "controlplane" and p.vip is not None
        if machine.mac or machine.link or not (p.network.gateway or shares):
            continue
        yield fault(
            ("machines", name, "link"),
            "is missing, and so is mac",
            "the API's virtual IP is configured on a link" if shares else "a static address is configured on a link",
            "write mac, or the link's name, e.g. eth0",
        )
