"""The kernel arguments that a machine boots with, from the network and from its disk."""

from core.facts import kernel_arguments, kernel_defences
from core.model import Platform

# Source: Talos documentation, kernel reference. The first three are required; KSPP wants slab_nomerge and pti.
TALOS_ARGS = ("talos.platform=metal", "slab_nomerge", "pti=on", "init_on_alloc=1", "console=tty0", "printk.devkmsg=on")


def installed(platform: Platform, machine: str) -> list[str] | None:
    """Kernel arguments in a machine's image: Talos' own, then the schematic's; every boot from the disk has these.

    None where the file names a schematic's id, which doesn't reveal its contents.
    """
    schematic = platform.schematic_of(machine)
    return None if schematic.id is not None else _marked(platform, machine, _own(platform, machine))


def network(platform: Platform, machine: str) -> list[str]:
    """Kernel arguments of a boot from the network: those of the image, then the boot server's.

    A kernel that is booted this way has none built in. With SecureBoot it has, and ignores the boot server's.
    """
    served = platform.boot.kernel_args if platform.boot and not platform.schematic_of(machine).secureboot else ()
    return _marked(platform, machine, [*_own(platform, machine), *served])


def _own(platform: Platform, machine: str) -> list[str]:
    baked = platform.schematic_of(machine).kernel_args
    # -name removes a default, as in the image factory.
    removed = {arg[1:] for arg in baked if arg.startswith("-")}
    kept = [arg for arg in TALOS_ARGS if arg not in removed and arg.split("=")[0] not in removed]
    return [*kept, *(arg for arg in baked if not arg.startswith("-"))]


def _marked(platform: Platform, machine: str, arguments: list[str]) -> list[str]:
    """The arguments, with the last day of the recorded exception behind them if they weaken the kernel.

    The kernel ignores the mark. Policies read it, because a boot profile has no other place for it.
    """
    baked = platform.schematic_of(machine).kernel_args
    until = [e.until for e in platform.exceptions if e.control == "KSPP" and machine in (e.machines or (machine,))]
    if until and kernel_defences.weakened((*baked, *arguments)):
        return [*arguments, f"{kernel_arguments.EXCEPTION}{until[0].isoformat()}"]
    return arguments
