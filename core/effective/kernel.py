"""The kernel arguments with which a machine runs once Talos is installed.

Source: siderolabs/talos, pkg/machinery/kernel and pkg/imager at v1.12 to v1.14; image-factory adds a schematic's.
"""

from dataclasses import dataclass

from core.boot.arguments import network
from core.facts.versions import Minor, minor
from core.model import Platform

from .section import Config

# Each with the first release that sets it, and the first that does not any more.
_DEFAULTS: tuple[tuple[str, Minor, Minor | None], ...] = (
    ("init_on_alloc=1", (1, 0), (1, 14)),
    ("slab_nomerge", (1, 0), None),
    ("pti=on", (1, 0), None),
    ("consoleblank=0", (1, 0), None),
    ("nvme_core.io_timeout=4294967295", (1, 0), (1, 14)),
    ("printk.devkmsg=on", (1, 0), None),
    ("selinux=1", (1, 10), None),
    ("module.sig_enforce=1", (1, 12), None),
    ("proc_mem.force_override=never", (1, 13), None),
)
# A schematic's console= replaces the platform's own, and so does its talos.platform=.
_REPLACED = ("console", "talos.platform")


@dataclass(frozen=True)
class Argument:
    """One kernel argument."""

    text: str
    origin: str

    @property
    def name(self) -> str:
        """What stands before the equals sign."""
        return self.text.partition("=")[0]


def kernel_arguments(platform: Platform, machine: str, config: Config) -> tuple[Argument, ...] | None:
    """The arguments of one machine once Talos is installed, in the order of its command line.

    None where the file names a schematic's id, which does not reveal its contents.
    """
    schematic, release = platform.schematic_of(machine), minor(platform.talos.version)
    if schematic.id is not None:
        return None
    talos = f"the default of Talos {platform.talos.version}"
    console = ["console=ttyAMA0"] if platform.machines[machine].arch == "arm64" else []
    own = [Argument(text, talos) for text in ("talos.platform=metal", *console, "console=tty0")]
    defaults = [text for text, since, until in _DEFAULTS if since <= release and (not until or release < until)]
    own += [Argument(text, talos) for text in defaults]
    if schematic.secureboot:
        own.append(Argument("lockdown=confidentiality", talos))
    return (*_merged(own, platform, machine), *_grub(config))


def network_arguments(platform: Platform, machine: str) -> tuple[Argument, ...]:
    """The arguments of a boot from the network, in the order of the boot server's line."""
    baked, origin = _schematics(platform, machine)
    served = platform.boot.kernel_args if platform.boot else ()
    origins = {**dict.fromkeys(baked, origin), **dict.fromkeys(served, "platform.boot.kernel_args")}
    return tuple(Argument(text, origins.get(text, "Bedplate")) for text in network(platform, machine))


def _schematics(platform: Platform, machine: str) -> tuple[tuple[str, ...], str]:
    """A machine's schematic's arguments, and the key that sets them."""
    own = platform.machines[machine].schematic
    key = f"machines.{machine}" if own and "kernel_args" in own.model_fields_set else "talos"
    return platform.schematic_of(machine).kernel_args, f"platform.{key}.schematic.kernel_args"


def _merged(own: list[Argument], platform: Platform, machine: str) -> list[Argument]:
    """Talos' own with a schematic's, of which -name removes an argument."""
    more, origin = _schematics(platform, machine)
    removed = {text[1:] for text in more if text.startswith("-")}
    added = [Argument(text, origin) for text in more if not text.startswith("-")]
    replaced = {argument.name for argument in added} & set(_REPLACED)
    kept = [each for each in own if not {each.text, each.name} & removed and each.name not in replaced]
    return [*kept, *added]


def _grub(config: Config) -> list[Argument]:
    """What the config itself adds, which only GRUB reads: machines that boot by UEFI have no GRUB."""
    install = config.section("", "machine", "install")
    if install.get("grubUseUKICmdline"):
        return []
    path = ("machine", "install", "extraKernelArgs")
    return [Argument(text, config.origin(install.key, path)) for text in install.texts("extraKernelArgs")]
