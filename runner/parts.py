"""Set up parts of the toolchain in an environment without the passphrase: builds run code of packages."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import toolchain
from toolchain import Layout

from . import passphrase


def ensure(names: Iterable[str], layout: Layout) -> dict[str, Path]:
    """Set up parts by name or set. Returns the path of each file of theirs by its name.

    Raises ToolchainError when a part cannot be had.
    """
    with passphrase.hidden(os.environ):
        return toolchain.ensure(names, layout)
