"""What is not wrong in a stack file, and may not be meant: plans and `./bedplate check` show it as warnings."""

from collections.abc import Iterator
from datetime import date

from core.facts.cloudconfig import KEYS
from core.facts.storage import CLASS
from core.facts.versions import out_of_support

from .claims import claims, stays_because
from .disk import DiskSpec
from .faults import Fault, fault
from .machine import MachineClassSpec, MachineSpec
from .origins import origin
from .platform import Platform


def advice(platform: Platform, today: date) -> Iterator[Fault]:
    """Each warning, in the form of a fault."""
    if since := out_of_support(platform.talos.version, today):
        yield fault(
            ("talos", "version"), since, "its security holes are no longer fixed", "plan the next minor release"
        )
    yield from _keys_of_cloud_init(platform)
    yield from _bare_sizes(platform)
    yield from _disks_that_stay(platform)
    yield from _vms_that_stay(platform)
    yield from _images(platform)
    yield from _networks_past_policies(platform)


def _vms_that_stay(platform: Platform) -> Iterator[Fault]:
    """VMs that stop while their node is drained, on a platform where others move."""
    for name, vm in platform.vms.items():
        reasons = list(stays_because(platform, name)) if vm.disk and platform.migratable else []
        if reasons:
            yield fault(
                ("vms", name),
                f"can't move to another node while it runs, because {' and '.join(reasons)}",
                "it stops while its node is drained or upgraded, and does not start elsewhere without its disks",
                "use a class with ReadWriteMany for all its disks, or plan for that",
            )


def _images(platform: Platform) -> Iterator[Fault]:
    """Images that are not what was reviewed, and disks to which all of an image is copied by pods."""
    for name, image in platform.golden.items():
        if image.refresh:
            yield fault(
                ("images", name, "refresh"),
                "follows a tag",
                "whoever writes to the registry decides what new disks contain, and no plan shows it",
                "write the digest, and change it in a pull request, if that matters",
            )
    for name in platform.vms:
        for each in claims(platform, name):
            image_of = platform.golden.get(each.spec.source.image or "") if each.is_made else None
            place = platform.storage_class(image_of.class_) if image_of else None
            if place is not None and each.storage_class != place.name:
                yield fault(
                    (*each.path, "class"),
                    f"is {each.storage_class}, and image {each.spec.source.image} is in {place.name}",
                    "no driver copies from one class to another, so pods send the whole image over the network",
                    "use the image's class, or declare the image once for each class",
                )


def _networks_past_policies(platform: Platform) -> Iterator[Fault]:
    """Networks of the site, in which no policy of Kubernetes applies to a VM."""
    for network in platform.vm_networks:
        vms = [name for name, vm in platform.vms.items() if network in vm.nics]
        if vms:
            others = f" and {len(vms) - 1} more" if len(vms) > 1 else ""
            yield fault(
                ("vm_networks", network),
                f"connects VM {vms[0]}{others} past the policies that close namespaces",
                "Cilium filters the pod network alone, so all ports of these VMs are open in this network",
                "filter at the network's switch or router, and in the guests",
            )


def _keys_of_cloud_init(platform: Platform) -> Iterator[Fault]:
    for name, vm in platform.vms.items():
        for key in vm.cloud_init:
            if key not in KEYS:
                yield fault(
                    ("vms", name, "cloud_init", key),
                    "is not a key of cloud-init itself",
                    "unless a module of the image reads it, cloud-init ignores it",
                    "check its spelling in cloud-init's documentation",
                )


def _bare_sizes(platform: Platform) -> Iterator[Fault]:
    """Sizes of disks without an operator, each where the stack file has it."""
    sizes: dict[tuple[str, ...], str] = {}
    for name, shared in platform.classes.items():
        sizes |= {("classes", name, *key): disk.size for key, disk in _disks(shared) if disk.size}
    for name, machine in platform.machines.items():
        sizes |= {origin(platform, ("machines", name, *key)): disk.size for key, disk in _disks(machine) if disk.size}
    for path, size in sizes.items():
        # An operator says that equality is meant.
        if size[0].isdigit():
            yield fault(
                path,
                f"{size} fits only a disk of exactly that many bytes",
                "a disk has some more or less than the size that it is sold as, and Talos finds no disk",
                f'write ">= {size}", or "== {size}" if that is the exact size',
            )


def _disks_that_stay(platform: Platform) -> Iterator[Fault]:
    """Disks on one machine's own disk, on a platform with several machines."""
    meant = platform.storage_class(None)
    if meant is not None and meant.name == CLASS and platform.migratable and platform.vms:
        yield fault(
            ("storage", "local"),
            "keeps the disks of VMs that name no class",
            "such a disk stays on one machine, so its VM can't move, and stops while that machine is drained or off",
            "name a class with RWX under storage.classes for VMs that have to keep running",
        )


def _disks(machine: MachineSpec | MachineClassSpec) -> Iterator[tuple[tuple[str, ...], DiskSpec]]:
    """Each disk selector of a machine or a class, with the keys of its size."""
    if machine.install is not None:
        yield ("install", "disk", "size"), machine.install.disk
    yield from ((("volumes", name, "disk", "size"), volume.disk) for name, volume in machine.volumes.items())
