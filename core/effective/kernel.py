"""The kernel arguments with which a machine runs once Talos is installed.

Source: siderolabs/talos, pkg/machinery/kernel and pkg/imager at v1.12 to v1.14; image-factory adds a schematic's.
"""

from dataclasses import dataclass

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


def kernel_arguments(platform: Platform, config: Config) -> tuple[Argument, ...]:
    """The arguments of one machine, in the order of its command line.

    Of a schematic that is only known by its id, the arguments are not known.
    """
    release = minor(platform.talos.version)
    talos = f"the default of Talos {platform.talos.version}"
    own = [Argument("talos.platform=metal", talos), Argument("console=tty0", talos)]
    defaults = [text for text, since, until in _DEFAULTS if since <= release and (not until or release < until)]
    own += [Argument(text, talos) for text in defaults]
    if platform.talos.schematic.secureboot:
        own.append(Argument("lockdown=confidentiality", talos))
    return (*_merged(own, platform.talos.schematic.kernel_args), *_grub(config))


def _merged(own: list[Argument], more: tuple[str, ...]) -> list[Argument]:
    """Talos' own with a schematic's, of which -name removes an argument."""
    origin = "platform.talos.schematic.kernel_args"
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
