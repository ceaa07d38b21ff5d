"""What a machine boots from the network."""

from typing import Any

from core.model import Platform

# Source: Talos documentation, kernel reference. The first three are required; KSPP wants slab_nomerge and pti.
TALOS_ARGS = ("talos.platform=metal", "slab_nomerge", "pti=on", "init_on_alloc=1", "console=tty0", "printk.devkmsg=on")


def assets(platform: Platform, base: str | None = None) -> str:
    """The URL of the images of the platform's schematic and Talos version.

    base: the factory, or a copy of its images; None: talos.factory.
    """
    talos = platform.talos
    return f"{base or talos.factory}/image/{platform.schematic_id}/{talos.version}"


def iso(platform: Platform) -> str:
    """The URL of the ISO image, for a machine that a person boots."""
    secure = "-secureboot" if platform.talos.schematic.secureboot else ""
    return f"{assets(platform)}/metal-amd64{secure}.iso"


def profile(platform: Platform) -> dict[str, Any]:
    """A matchbox profile that boots Talos into maintenance mode.

    It names no machine config, because anyone on the network can read what a boot server serves, and the config holds
    the cluster's keys. The config is applied afterwards, over the Talos API.
    """
    base = assets(platform, platform.boot.assets if platform.boot else None)
    return {
        "kernel": f"{base}/kernel-amd64",
        "initrds": [f"{base}/initramfs-amd64.xz"],
        # UEFI needs the initrd named among the arguments as well.
        "args": ["initrd=initramfs-amd64.xz", *arguments(platform)],
    }


def arguments(platform: Platform) -> list[str]:
    """Kernel arguments: Talos' own, the schematic's (a kernel booted this way has none built in), the boot server's."""
    baked = platform.talos.schematic.kernel_args
    # -name removes a default, as in the image factory.
    removed = {arg[1:] for arg in baked if arg.startswith("-")}
    kept = [arg for arg in TALOS_ARGS if arg not in removed and arg.split("=")[0] not in removed]
    own = [arg for arg in baked if not arg.startswith("-")]
    return [*kept, *own, *(platform.boot.kernel_args if platform.boot else ())]


def label(platform: Platform, machine: str) -> str:
    """The name of a machine's profile and group on a boot server that several clusters share."""
    return f"{platform.name}-{machine}"
