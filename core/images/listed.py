"""Every image that a stack leads to, with what needs it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.facts import kubevirt as kubevirt_facts
from core.facts import talos_images
from core.facts.versions import minor
from core.manifests import approver, cdi, disk, local_path, snapshots, virtual_machine, workload
from core.model import Platform
from core.model.claims import claims, image_claim

from . import cilium, talos
from .found import found


@dataclass(frozen=True)
class Needed:
    """One image."""

    reference: str
    """As a machine pulls it, with its tag, its digest or both; registries.mirrors are not applied."""
    by: tuple[str, ...]
    """What needs it: `Talos`, `Cilium`, `KubeVirt`, a workload or a VM, sorted."""

    @property
    def digest(self) -> str | None:
        """The digest in the reference, as sha256:…; None where only a tag is known."""
        return self.reference.partition("@")[2] or None


@dataclass(frozen=True)
class Listing:
    """The images of a platform."""

    images: tuple[Needed, ...]
    """By reference, each once."""
    unknown: tuple[str, ...]
    """What could not be listed, and how to list it, a line each."""


def listed(platform: Platform) -> Listing:
    """Every image that the machines of a platform pull."""
    users: dict[str, set[str]] = {}
    for by, image in _all(platform):
        users.setdefault(image, set()).add(by)
    images = tuple(Needed(reference, tuple(sorted(users[reference]))) for reference in sorted(users))
    return Listing(images, tuple(_unknown(platform)))


def _all(platform: Platform) -> Iterator[tuple[str, str]]:
    for machine in platform.machines:
        yield from _by("Talos", talos.images_of(platform, machine))
    yield from _by("Cilium", cilium.images_of(platform))
    for by, manifests in _objects(platform):
        yield from _by(by, found([*manifests]))
    if want := platform.kubevirt:
        registry = want.registry or kubevirt_facts.REGISTRY
        yield from _by("KubeVirt", (f"{registry}/{name}:{want.version}" for name in kubevirt_facts.IMAGES))


def _by(by: str, images: Iterable[str]) -> Iterator[tuple[str, str]]:
    return ((by, image) for image in images)


def _objects(platform: Platform) -> Iterator[tuple[str, Iterable[Mapping[str, Any]]]]:
    if platform.talos.hardening.serving_certificates == "cluster":
        yield "kubelet certificates", approver.approver(platform)
    if platform.talos.snapshots.schedule:
        yield "snapshots of etcd", [snapshots.job(platform)]
    for name, want in platform.workloads.items():
        yield f"workload {name}", [workload.deployment(name, want)]
    if platform.storage and platform.storage.local is not None:
        yield "local storage", local_path.provisioner(platform)
    if platform.cdi:
        yield "CDI", cdi.operator(platform.cdi)
    for name in platform.golden:
        yield f"image {name}", [disk.data_volume(image_claim(platform, name))]
    for name in platform.vms:
        disks = [disk.data_volume(claim) for claim in claims(platform, name) if claim.is_made]
        yield f"VM {name}", [virtual_machine.virtual_machine(platform, name), *disks]


def _unknown(platform: Platform) -> Iterator[str]:
    release = platform.talos.version
    if not talos_images.own_images(release):
        yield f"Talos {release}: its etcd, CoreDNS and pause are not known here; `talosctl images default` lists them"
    elif not talos_images.is_known(release):
        newest = talos_images.NEWEST[minor(release)]
        yield f"Talos {release}: its etcd, CoreDNS and pause are those of {newest}, because {release} is not known here"
    if not cilium.is_known(platform):
        yield (
            f"Cilium {platform.cilium.version}: the digests of its images, Envoy and certgen are not known here; "
            "`helm template` on the chart lists them"
        )
