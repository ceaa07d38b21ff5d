"""The kernel arguments that a machine boots with, from the network and from its disk."""

from dataclasses import dataclass

from core.facts import kernel_arguments, kernel_defences
from core.facts.versions import minor
from core.model import Platform


@dataclass(frozen=True)
class Argument:
    """One kernel argument."""

    text: str
    origin: str
    """Where it comes from, as a report names it: the default of a Talos release, or a key of the stack file."""

    @property
    def name(self) -> str:
        """What stands before the equals sign."""
        return self.text.partition("=")[0]


def image(platform: Platform, machine: str) -> tuple[Argument, ...] | None:
    """The arguments in a machine's image: Talos' own, then the schematic's; every boot from the disk has these.

    None where the file names a schematic's id, which doesn't reveal its contents.
    """
    return None if platform.schematic_of(machine).id is not None else _image(platform, machine)


def installed(platform: Platform, machine: str) -> list[str] | None:
    """The texts of `image`, with the mark of a recorded exception."""
    baked = image(platform, machine)
    return None if baked is None else _marked(platform, machine, [each.text for each in baked])


def network(platform: Platform, machine: str) -> list[str]:
    """Kernel arguments of a boot from the network: those of the image, then the boot server's.

    A kernel that is booted this way has none built in. With SecureBoot it has, and ignores the boot server's.
    """
    served = platform.boot.kernel_args if platform.boot and not platform.schematic_of(machine).secureboot else ()
    return _marked(platform, machine, [*(each.text for each in _image(platform, machine)), *served])


def _image(platform: Platform, machine: str) -> tuple[Argument, ...]:
    """As `image`; of a schematic that is only an id, Talos' own arguments alone."""
    release, schematic = platform.talos.version, platform.schematic_of(machine)
    texts = kernel_arguments.defaults(minor(release), platform.machines[machine].arch, secureboot=schematic.secureboot)
    own = [Argument(text, f"the default of Talos {release}") for text in texts]
    key = _key(platform, machine)
    # -name and -name=value remove a default, as in the image factory.
    removed = {text[1:] for text in schematic.kernel_args if text.startswith("-")}
    added = [Argument(text, key) for text in schematic.kernel_args if not text.startswith("-")]
    replaced = {argument.name for argument in added} & set(kernel_arguments.REPLACED)
    kept = [each for each in own if not {each.text, each.name} & removed and each.name not in replaced]
    return (*kept, *added)


def _key(platform: Platform, machine: str) -> str:
    """The key of the stack file that sets a machine's schematic's arguments."""
    own = platform.machines[machine].schematic
    owner = f"machines.{machine}" if own and "kernel_args" in own.model_fields_set else "talos"
    return f"platform.{owner}.schematic.kernel_args"


def _marked(platform: Platform, machine: str, arguments: list[str]) -> list[str]:
    """The arguments, with the last day of the recorded exception behind them if they weaken the kernel.

    The kernel ignores the mark. Policies read it, because a boot profile has no other place for it.
    """
    baked = platform.schematic_of(machine).kernel_args
    until = [e.until for e in platform.exceptions if e.control == "KSPP" and machine in (e.machines or (machine,))]
    if until and kernel_defences.weakened((*baked, *arguments)):
        return [*arguments, f"{kernel_arguments.EXCEPTION}{until[0].isoformat()}"]
    return arguments
