"""What a machine boots from the network."""

from typing import Any

from core.model import Platform

from . import arguments


def assets(platform: Platform, machine: str, base: str | None = None) -> str:
    """The URL of the images of a machine's schematic and the Talos version.

    base: the factory, or a copy of its images; None: talos.factory.
    """
    talos = platform.talos
    return f"{base or talos.factory}/image/{platform.schematic_id_of(machine)}/{talos.version}"


def iso(platform: Platform, machine: str) -> str:
    """The URL of the ISO image, for a machine that a person boots."""
    secure = "-secureboot" if platform.schematic_of(machine).secureboot else ""
    return f"{assets(platform, machine)}/metal-{platform.machines[machine].arch}{secure}.iso"


def profile(platform: Platform, machine: str) -> dict[str, Any]:
    """A matchbox profile that boots Talos on a machine, into maintenance mode.

    With SecureBoot it is one signed file that holds kernel, initramfs and arguments: the arguments beside it are what
    the image has as well, and firmware that verifies signatures ignores them.

    It names no machine config, because anyone on the network can read what a boot server serves, and the config holds
    the cluster's keys. The config is applied afterwards, over the Talos API.
    """
    base = assets(platform, machine, platform.boot.assets if platform.boot else None)
    arch = platform.machines[machine].arch
    if platform.schematic_of(machine).secureboot:
        args = arguments.network(platform, machine)
        return {"kernel": f"{base}/metal-{arch}-secureboot-uki.efi", "initrds": [], "args": args}
    return {
        "kernel": f"{base}/kernel-{arch}",
        "initrds": [f"{base}/initramfs-{arch}.xz"],
        # UEFI needs the initrd named among the arguments as well.
        "args": [f"initrd=initramfs-{arch}.xz", *arguments.network(platform, machine)],
    }


def label(platform: Platform, machine: str) -> str:
    """The name of a machine's profile and group on a boot server that several clusters share."""
    return f"{platform.name}-{machine}"
