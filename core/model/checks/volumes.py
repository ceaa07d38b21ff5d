"""Volumes of machines: on disks of their own, and one without an upper limit per disk."""

from collections.abc import Iterator

from core.model.faults import Fault, fault
from core.model.platform import Platform

from .registry import check


@check("talos")
def volumes_are_not_on_the_install_disk(p: Platform) -> Iterator[Fault]:
    """No volume selects the disk that Talos is installed on."""
    for name, machine in p.machines.items():
        installed = machine.install.disk
        for volume, spec in machine.volumes.items():
            same = sorted(key for key, _ in spec.disk.single & installed.single)
            if same:
                yield fault(
                    ("machines", name, "volumes", volume, "disk"),
                    f"is the disk that Talos is installed on, by its {same[0]}",
                    "Talos makes no volumes on that disk",
                    "select another disk",
                )


@check("talos")
def one_volume_takes_the_rest(p: Platform) -> Iterator[Fault]:
    """Of several volumes on one disk, at most one has no max. A selector that fits several equal disks names none."""
    for name, machine in p.machines.items():
        for volume, spec in machine.volumes.items():
            unlimited = [
                other
                for other, its in machine.volumes.items()
                if other != volume and its.disk.single & spec.disk.single and its.max is None
            ]
            if spec.max is None and unlimited and volume > unlimited[0]:
                yield fault(
                    ("machines", name, "volumes", volume, "max"),
                    f"is missing, as it is for volume {unlimited[0]} on the same disk",
                    "the first of the two would take all free space and leave none for the other",
                    "write max for one of the two",
                )
