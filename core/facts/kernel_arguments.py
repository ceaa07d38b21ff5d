"""What one kernel argument may look like, so that no boot loader reads a command in it."""

import re

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


def is_one_argument(text: str) -> bool:
    """Whether a text is one argument, and nothing else, to the kernel and to every boot loader."""
    return _ARGUMENT.fullmatch(text) is not None
