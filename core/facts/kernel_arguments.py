"""What one kernel argument may look like, so that no boot loader reads a command in it; and Talos' own arguments."""

import re

from .versions import Minor

# Source: ipxe/ipxe src/core/exec.c: a line is split at blanks whatever is quoted, the words ; && and || end a command,
# and # starts a comment; src/core/settings.c: ${…} is expanded. GNU GRUB manual, "Shell-like scripting": ; | < > \ ' $.
_PLAIN = r"A-Za-z0-9_.,:=/+@%?~*!^()\[\]\-"
# What Talos itself expands. Source: Talos documentation, kernel reference, talos.config.
_VARIABLE = r"\$\{(?:uuid|serial|mac|hostname|code)\}"
# Source: Linux documentation, admin-guide/kernel-parameters, and the two above.
PATTERN = rf'-?[A-Za-z0-9_](?:[{_PLAIN}&]|{_VARIABLE}|"[{_PLAIN} ]*")*'
"""One argument: a name with or without a value, blanks within quotes alone, and no word that a boot loader runs."""

# Source: Linux, Documentation/admin-guide/kernel-parameters.rst: an argument with a dot that no module has is ignored.
EXCEPTION = "bedplate.exception-kspp="
"""Marks arguments with a recorded exception to KSPP; behind it stands the exception's last day."""

_ARGUMENT = re.compile(PATTERN, re.ASCII)

# Source: siderolabs/talos, pkg/machinery/kernel, DefaultArgs and SecureBootArgs, and imager/quirks, at v1.12.0 and
# v1.14.1. Each with the first release that has it, and the first that does not any more.
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
_SECUREBOOT: tuple[tuple[str, Minor, Minor | None], ...] = (("lockdown=confidentiality", (1, 5), (1, 14)),)
# Source: the same, internal/app/machined/pkg/runtime/v1alpha1/platform/metal, KernelArgs.
_CONSOLES = {"amd64": ("console=tty0",), "arm64": ("console=ttyAMA0", "console=tty0")}
# Source: the same, pkg/imager, which the factory runs.
REPLACED = ("console", "talos.platform")
"""Names of arguments of which a schematic's replace Talos' own; of other names, both are passed."""


def defaults(release: Minor, arch: str, *, secureboot: bool) -> list[str]:
    """The arguments that Talos' own images of a release have on metal, in their order."""
    table = (*(_SECUREBOOT if secureboot else ()), *_DEFAULTS)
    chosen = [text for text, since, until in table if since <= release and (until is None or release < until)]
    return ["talos.platform=metal", *_CONSOLES[arch], *chosen]


def is_one_argument(text: str) -> bool:
    """Whether a text is one argument, and nothing else, to the kernel and to every boot loader."""
    return _ARGUMENT.fullmatch(text) is not None
