"""What a rehearsal with virtual machines has besides: images of the real KubeVirt and CDI, and of a guest."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.facts import storage

from . import guest, prepare, vm_images
from .images import Image
from .standins import undigested

# The sections of a stack file that need KubeVirt.
SECTIONS = ("kubevirt", "vms")
# Source: kubevirt/kubevirt and kubevirt/containerized-data-importer, the releases' manifests.
REGISTRY = "quay.io/kubevirt"


def wanted(platform: Mapping[str, Any]) -> bool:
    """Whether a platform runs KubeVirt."""
    return bool(platform.get("kubevirt"))


def parts(platform: Mapping[str, Any]) -> tuple[str, ...]:
    """The sets of the toolchain that a platform needs besides those of every rehearsal."""
    if not wanted(platform):
        return ()
    return ("virtualization", "vm-storage") if platform.get("storage") else ("virtualization",)


def images(store: Path, platform: Mapping[str, Any], built: Mapping[str, Path]) -> Sequence[Image]:
    """Every image of KubeVirt, CDI and the class of storage that was built, and the guest under each VM's image."""
    versions = prepare.versions()
    registry = platform["kubevirt"].get("registry") or REGISTRY
    small = guest.build(store, built)
    disks = {undigested(vm["image"]) for vm in (platform.get("vms") or {}).values() if vm.get("image")}
    return [
        *vm_images.kubevirt(built, registry, versions.kubevirt),
        *(vm_images.cdi(built, REGISTRY, versions.cdi) if "cdi-operator" in built else ()),
        *(
            vm_images.local_path(built, storage.IMAGE, storage.HELPER_IMAGE)
            if "local-path-provisioner" in built
            else ()
        ),
        *(vm_images.container_disk(name, small.qcow2) for name in sorted(disks)),
    ]
