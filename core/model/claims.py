"""Claims of VMs' disks: their names and modes, and whether a VM can move to another node while it runs."""

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.facts.golden import NAMESPACE

from .disks import GuestDiskSpec
from .placing import guest_arch, places
from .virtualization import ROOT, VirtualMachineSpec
from .vmnetworks import POD_NETWORK

if TYPE_CHECKING:
    from .platform import Platform

SHARED_ACCESS = "ReadWriteMany"
_DIGITS = 8
_IDENTITIES = uuid.uuid5(uuid.NAMESPACE_DNS, "vms.bedplate")


@dataclass(frozen=True)
class Claim:
    """The claim of one disk of a VM."""

    vm: str
    disk: str
    """The disk's name; `root` for the one that the VM starts from."""
    name: str
    namespace: str
    spec: GuestDiskSpec
    storage_class: str | None
    """None: the cluster's default class, of which the stack file says nothing."""
    access: str | None
    """ReadWriteOnce or ReadWriteMany; None for an existing claim, and where the class's modes are not known."""
    mode: str | None
    """Filesystem or Block; None as above."""
    image: str | None = None
    """The golden image that it is, and no disk of a VM."""

    @property
    def path(self) -> tuple[str, ...]:
        """Where the stack file has the disk, or the image."""
        if self.image is not None:
            return ("images", self.image)
        return ("vms", self.vm, "disk") if self.disk == ROOT else ("vms", self.vm, "disks", self.disk)

    @property
    def is_made(self) -> bool:
        """Whether the disk is a new one, and not an existing claim."""
        return self.spec.claim is None


def claim_name(vm: str, disk: str) -> str:
    """The name of the claim of a VM's disk."""
    return vm if disk == ROOT else f"{vm}-{disk}"


def claims(platform: "Platform", name: str) -> tuple[Claim, ...]:
    """The claims of a VM's disks, the one that it starts from first."""
    vm = platform.vms[name]
    return tuple(_claim(platform, name, vm, disk, spec) for disk, spec in vm.every_disk.items())


def _claim(platform: "Platform", name: str, vm: VirtualMachineSpec, disk: str, spec: GuestDiskSpec) -> Claim:
    if spec.claim is not None:
        return Claim(name, disk, spec.claim, vm.namespace, spec, None, spec.access, None)
    return Claim(name, disk, claim_name(name, disk), vm.namespace, spec, *_place(platform, spec))


def image_claim(platform: "Platform", name: str) -> Claim:
    """The claim that a golden image is fetched into. Of another source, it is another claim.

    An image with refresh has no claim of its own: CDI makes one for each that it finds.
    """
    want = platform.golden[name]
    spec = want.disk
    place = _place(platform, spec)
    fetched = repr((want.source.model_dump(), want.size, place))
    digest = hashlib.sha256(fetched.encode()).hexdigest()[:_DIGITS]
    return Claim("", "", f"{name}-{digest}", NAMESPACE, spec, *place, image=name)


def _place(platform: "Platform", spec: GuestDiskSpec) -> tuple[str | None, str | None, str | None]:
    """The class of a new disk, and its modes."""
    found = platform.storage_class(spec.class_)
    modes = [
        each
        for each in (found.modes if found else ())
        if spec.access in (None, each.access) and spec.mode in (None, each.volume)
    ]
    access, mode = (modes[0].access, modes[0].volume) if modes else (spec.access, spec.mode)
    return found.name if found else spec.class_, access, mode


def stays_because(platform: "Platform", name: str) -> Iterator[str]:
    """Why a VM can't move to another node while it runs, one clause each; none where it can."""
    arch = guest_arch(platform, platform.vms[name])
    if sum(platform.machines[each].arch == arch for each in platform.schedulable) < 2:
        yield "no other machine runs its guests"
    elif len(here := places(platform, name)) < 2:
        vm = platform.vms[name]
        wanted = [*(["class"] if vm.place.class_ else ()), *(["networks"] if vm.nics else ())]
        yield f"no other machine has its {' and '.join(wanted)}"
    elif len(platform.apart.get(platform.vms[name].place.apart or "", ())) >= len(here):
        yield f"each machine has a VM of the group {platform.vms[name].place.apart}"
    for each in claims(platform, name):
        if each.access != SHARED_ACCESS:
            known = "is ReadWriteOnce" if each.access else "has no known access mode"
            yield f"its disk {each.disk} {known}"


def guest_uuid(platform: "Platform", name: str) -> str:
    """The UUID of a VM's machine."""
    vm = platform.vms[name]
    return vm.uuid or str(uuid.uuid5(_IDENTITIES, f"{platform.name}/{vm.namespace}/{name}"))


def guest_mac(platform: "Platform", name: str, network: str = POD_NETWORK) -> str:
    """The MAC address of a VM's link: a locally administered one, if the stack file has none.

    network: one of the VM's nics, or the pod network.
    """
    vm = platform.vms[name]
    written = vm.mac if network == POD_NETWORK else vm.nics[network].mac
    digest = hashlib.sha256(f"{platform.name}/{vm.namespace}/{name}/{network}".encode()).hexdigest()
    # Source: IEEE 802-2014, section 8.2: 02 marks an address that its owner has chosen.
    return written or ":".join(["02", *(digest[index : index + 2] for index in range(0, 10, 2))])


def guest_macs(platform: "Platform", name: str) -> dict[str, str]:
    """The MAC addresses of all links of a VM, by network: the pod network first."""
    vm = platform.vms[name]
    return {network: guest_mac(platform, name, network) for network in (*([POD_NETWORK] * vm.pod_network), *vm.nics)}
