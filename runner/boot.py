"""`./bedplate boot STACK FOLDER`: the files of the network that machines boot from, with no engine and nothing up."""

from __future__ import annotations

import os

from toolchain import Layout, ensure

from . import stacks
from .commands import run
from .environment import tools
from .errors import UsageError


def boot(arguments: list[str], layout: Layout) -> int:
    """Write them; 2 where the stack file is refused."""
    if len(arguments) != 2 or any(each.startswith("-") for each in arguments):
        there = ", ".join(stacks.known(layout)) or "none yet"
        raise UsageError(f"boot: name a stack and a folder: ./bedplate boot STACK FOLDER; there are: {there}")
    stack = stacks.find(arguments[0], layout)
    ensure({"python"}, layout)
    return run(
        [layout.venv / "bin" / "python", "-m", "operations.boot", stack.name, arguments[1]],
        tools(layout, os.environ),
        layout,
    )
