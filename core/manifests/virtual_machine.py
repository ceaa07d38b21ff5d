"""A virtual machine as Kubernetes objects."""

from collections.abc import Iterator
from typing import Any

from core.model import Platform, VirtualMachineSpec
from core.model.claims import Claim, claims, guest_macs, guest_uuid, stays_because
from core.model.placing import guest_arch
from core.model.vmnetworks import POD_NETWORK

from . import cloud_init
from .objects import LABEL
from .placement import group_labels, placement, probes, spread

__all__ = ["LABEL", "virtual_machine"]


def virtual_machine(platform: Platform, name: str) -> dict[str, Any]:
    """The VirtualMachine object: its disks, cloud-init from its Secret, one link on the pod network."""
    vm = platform.vms[name]
    spec = _ephemeral(platform, name, vm) if vm.disk is None else _kept(platform, name, vm)
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachine",
        "metadata": {"name": name, "namespace": vm.namespace, "labels": {LABEL: name}},
        "spec": {
            "runStrategy": _STRATEGIES[vm.restart] if vm.running else "Halted",
            "template": {"metadata": {"labels": {LABEL: name, **group_labels(vm)}}, "spec": spec},
        },
    }


_STRATEGIES = {"always": "Always", "on-failure": "RerunOnFailure", "never": "Once", "manual": "Manual"}
# KubeVirt's default is a bridge, and a VM with a bridge can't be migrated.
_LINK = {"name": POD_NETWORK, "masquerade": {}, "model": "virtio"}
_NETWORKS = [{"name": POD_NETWORK, "pod": {}}]


def _links(platform: Platform, name: str) -> list[dict[str, Any]]:
    """Links of the domain. Those besides the pod network are bridges, with which a VM moves all the same."""
    kinds = {POD_NETWORK: _LINK}
    return [
        {**kinds.get(network, {"name": network, "bridge": {}, "model": "virtio"}), "macAddress": mac}
        for network, mac in guest_macs(platform, name).items()
    ]


def _networks(vm: VirtualMachineSpec) -> list[dict[str, Any]]:
    """The network of each link. A name without a namespace is one of the VM's own."""
    others = [{"name": network, "multus": {"networkName": network}} for network in vm.nics]
    return [*(_NETWORKS if vm.pod_network else ()), *others]


def _ephemeral(platform: Platform, name: str, vm: VirtualMachineSpec) -> dict[str, Any]:
    """The spec of a VM that keeps nothing. Every state that has such a VM has exactly this."""
    return {
        **placement(platform, vm),
        # Without a second node, a VM stops when its node is drained.
        "evictionStrategy": "LiveMigrate" if platform.migratable else "None",
        "domain": {
            "cpu": {"cores": vm.cpu.sockets} if vm.cpu.is_plain else _cpu(vm),
            "memory": _memory(vm),
            "devices": {
                "disks": [
                    {"name": "root", "disk": {"bus": "virtio"}},
                    {"name": "cloud-init", "disk": {"bus": "virtio"}},
                ],
                "interfaces": [_LINK],
                "rng": {},
            },
        },
        "networks": _NETWORKS,
        "volumes": [{"name": "root", "containerDisk": {"image": vm.image}}, cloud_init.volume(name, vm)],
    }


# Seconds in which a guest writes what it has in memory and ends; KubeVirt's default of 30 s is short for a database.
_STOP_SECONDS = 180


def _kept(platform: Platform, name: str, vm: VirtualMachineSpec) -> dict[str, Any]:
    """The spec of a VM with disks of its own."""
    arch = guest_arch(platform, vm)
    disks = claims(platform, name)
    return {
        **placement(platform, vm),
        **spread(platform, vm),
        **probes(vm),
        "architecture": arch,
        # Where a VM can't move, LiveMigrate would hold a drain for ever.
        "evictionStrategy": "None" if any(stays_because(platform, name)) else "LiveMigrate",
        "terminationGracePeriodSeconds": _STOP_SECONDS,
        "domain": {
            "cpu": _cpu(vm),
            "memory": _memory(vm),
            **_firmware(platform, name, vm),
            "devices": {
                "disks": [*_disks(disks, arch), {"name": "cloud-init", "disk": {"bus": "virtio"}}],
                "interfaces": _links(platform, name),
                "rng": {},
                **({"tpm": {"persistent": True}} if vm.firmware.tpm else {}),
                **({"watchdog": {"name": "watchdog", "i6300esb": {"action": vm.watchdog}}} if vm.watchdog else {}),
            },
        },
        "networks": _networks(vm),
        "volumes": [
            *({"name": each.disk, "persistentVolumeClaim": {"claimName": each.name}} for each in disks),
            cloud_init.volume(name, vm),
        ],
    }


def _cpu(vm: VirtualMachineSpec) -> dict[str, Any]:
    cpu = vm.cpu
    most = {"maxSockets": cpu.max} if cpu.max else {}
    return {"sockets": cpu.sockets, "cores": cpu.cores, "threads": cpu.threads, **most}


def _memory(vm: VirtualMachineSpec) -> dict[str, Any]:
    return {"guest": vm.memory.size, **({"maxGuest": vm.memory.max} if vm.memory.max else {})}


def _firmware(platform: Platform, name: str, vm: VirtualMachineSpec) -> dict[str, Any]:
    """Identity and boot loader. KubeVirt would make up another identity with each new object of the VM."""
    wanted, identity = vm.firmware, guest_uuid(platform, name)
    firmware: dict[str, Any] = {"uuid": identity, "serial": identity}
    if wanted.efi:
        efi = {"secureBoot": wanted.secure_boot, **({"persistent": True} if wanted.persistent else {})}
        firmware["bootloader"] = {"efi": efi}
    # Source: KubeVirt user guide, "UEFI": SecureBoot requires System Management Mode.
    return {"firmware": firmware, **({"features": {"smm": {"enabled": True}}} if wanted.secure_boot else {})}


# Source: Linux, drivers/block/virtio_blk.c, VIRTIO_BLK_ID_BYTES.
_LONGEST_SERIAL = 20


def _disks(disks: tuple[Claim, ...], arch: str) -> Iterator[dict[str, Any]]:
    """Disks of the domain, in the order in which the firmware tries them."""
    for order, each in enumerate(disks, start=1):
        bus = _bus(each, arch)
        made: dict[str, Any] = {"name": each.disk, "bootOrder": order}
        made |= {"cdrom": {"bus": bus}} if each.spec.cdrom else {"disk": {"bus": bus}}
        if not each.spec.cdrom and len(each.disk) <= _LONGEST_SERIAL:
            made["serial"] = each.disk
        if each.spec.shared:
            made |= {"shareable": True, "cache": "none"}
        yield made


def _bus(claim: Claim, arch: str) -> str:
    # Source: kubevirt/kubevirt v1.8.4, validating webhooks: no CD-ROM on virtio, no sata on arm64.
    none = "virtio" if claim.spec.cdrom else "sata" if arch == "arm64" else ""
    return ("scsi" if arch == "arm64" else "sata") if claim.spec.bus == none else claim.spec.bus
