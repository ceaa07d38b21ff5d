"""What no two machines can have in common: addresses, MACs, hardware identities, disks, BMCs."""

from collections.abc import Iterator

from core.facts import bmc
from core.facts.hardware import uuid_key
from core.model.disk import DiskSpec
from core.model.faults import Fault, fault
from core.model.platform import Platform

from .registry import check


@check()
def addresses_are_unique(p: Platform) -> Iterator[Fault]:
    """No two machines have one address, nor a machine the gateway's."""
    owners: dict[object, str] = dict.fromkeys(p.network.gateway, "network.gateway")
    for name, machine in p.declared.items():
        for key in ("address", "ipv6"):
            path, address = ("machines", name, key), getattr(machine, key)
            if address in owners:
                yield fault(
                    path,
                    f"{address} is already {owners[address]}",
                    "packets to it would reach either of the two",
                    "use a different address for each",
                )
            elif address is not None:
                owners[address] = ".".join(path)


@check()
def macs_are_unique(p: Platform) -> Iterator[Fault]:
    """No two machines boot from one MAC."""
    owners: dict[str, str] = {}
    for name, machine in p.declared.items():
        if machine.mac in owners:
            yield fault(
                ("machines", name, "mac"),
                f"{machine.mac} is already machines.{owners[machine.mac]}.mac",
                "the boot server identifies machines by their MAC",
                "read the MAC from the machine's label or from its BMC",
            )
        elif machine.mac:
            owners[machine.mac] = name


@check()
def hardware_identities_are_unique(p: Platform) -> Iterator[Fault]:
    """No two machines have one UUID, in either byte order, or one serial number."""
    for key in ("uuid", "serial"):
        owners: dict[str, tuple[str, str]] = {}
        for name, machine in p.declared.items():
            identity = getattr(machine, key)
            if not identity:
                continue
            # BMCs and firmware report a UUID in either byte order, and both are accepted for the declared machine.
            spelled = uuid_key(identity) if key == "uuid" else identity
            owner, other = owners.setdefault(spelled, (name, identity))
            if owner != name:
                taken = "already" if other == identity else f"in the other byte order {other}, which is already"
                yield fault(
                    ("machines", name, key),
                    f"{identity} is {taken} machines.{owner}.{key}",
                    "a config could be sent to the wrong machine",
                    "read the value from the machine's BMC or from its label",
                )


@check()
def disks_are_in_one_machine(p: Platform) -> Iterator[Fault]:
    """No disk is selected by two machines, neither for Talos nor for a volume, by its serial number or its id."""
    owners: dict[tuple[str, str], tuple[str, str]] = {}
    for name, machine in p.declared.items():
        selected: list[tuple[tuple[str, ...], DiskSpec]] = [(("install", "disk"), machine.install.disk)]
        selected += [(("volumes", volume, "disk"), spec.disk) for volume, spec in machine.volumes.items()]
        for path, disk in selected:
            for key, plain in sorted(disk.single):
                owner, place = owners.setdefault((key, plain), (name, ".".join(path)))
                if owner != name:
                    where = "" if place == "install.disk" else f".{place}"
                    yield fault(
                        ("machines", name, *path, key),
                        f"{getattr(disk, key)!r} is already the {key} of machines.{owner}{where}",
                        "a disk is in one machine, so the other one would find none",
                        "list a machine's disks with: talosctl get disks --insecure --nodes ADDRESS",
                    )


@check("boot")
def bmc_systems_are_unique(p: Platform) -> Iterator[Fault]:
    """No two machines are one system of one BMC, however its address is spelled."""
    owners: dict[tuple[str, str], tuple[str, str]] = {}
    for name, machine in p.declared.items():
        if machine.bmc is None:
            continue
        system = (bmc.same_url(machine.bmc.url), machine.bmc.system)
        if system in owners:
            owner, url = owners[system]
            spelled = "" if url == machine.bmc.url else f" as {url}"
            yield fault(
                ("machines", name, "bmc"),
                f"is system {system[1]} of {machine.bmc.url}, which is already machines.{owner}.bmc{spelled}",
                "the wrong machine would be powered off and erased",
                "write a different url or system for each",
            )
        owners.setdefault(system, (name, machine.bmc.url))
