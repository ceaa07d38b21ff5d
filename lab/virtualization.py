"""What a rehearsal with virtual machines has besides: images of the real KubeVirt and CDI, and of a guest."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.facts import storage

from . import guest, prepare, shared_storage, vm_images
from .images import Image, Store
from .layout import Layout
from .standins import undigested
from .topology import Topology

# The sections of a stack file that --without-vms leaves out: KubeVirt, and what it keeps its disks in.
SECTIONS = ("kubevirt", "vms", "storage", "cdi")
# Source: kubevirt/kubevirt and kubevirt/containerized-data-importer, the releases' manifests.
REGISTRY = "quay.io/kubevirt"


def parts(platform: Mapping[str, Any]) -> tuple[str, ...]:
    """The sets of the toolchain that a platform needs besides those of every rehearsal."""
    stored = ("vm-storage",) if platform.get("storage") or platform.get("cdi") else ()
    shared = ("shared-storage",) if shared_storage.wanted(platform) else ()
    return ("virtualization", *stored, *shared) if platform.get("kubevirt") or stored else ()


def images(store: Path, platform: Mapping[str, Any], built: Mapping[str, Path]) -> Sequence[Image]:
    """The images of KubeVirt, CDI and local volumes that the platform runs, and the guest as each VM's image."""
    versions = prepare.versions()
    made: list[Image] = []
    if kubevirt := platform.get("kubevirt"):
        made += vm_images.kubevirt(built, kubevirt.get("registry") or REGISTRY, versions.kubevirt)
        small = guest.build(store, built)
        disks = {undigested(vm["image"]) for vm in (platform.get("vms") or {}).values() if vm.get("image")}
        made += [vm_images.container_disk(name, small.qcow2) for name in sorted(disks)]
    if "vm-storage" in parts(platform):
        made += vm_images.cdi(built, (platform.get("cdi") or {}).get("registry") or REGISTRY, versions.cdi)
        made += vm_images.local_path(built, storage.IMAGE, storage.HELPER_IMAGE)
    if "shared-storage" in parts(platform):
        made += shared_storage.images(built)
    return made


def disks(layout: Layout, topology: Topology, built: Mapping[str, Path]) -> dict[str, dict[str, str]]:
    """The guest's disk on the lab's server, as the stack file names a source, by its format: qcow2 and vmdk."""
    made = guest.build(layout.store, built)
    store = Store(layout.store / "images")
    authority = (layout.pki / "ca.crt").read_text()
    server = f"https://{topology.gateway}:{topology.registry_port}"
    found = {}
    for file in (made.qcow2, made.vmdk):
        digest = store.keep(file)
        url = f"{server}/files/{digest}/{file.name}"
        found[file.suffix.lstrip(".")] = {"url": url, "checksum": f"sha256:{digest}", "ca": authority}
    return found
