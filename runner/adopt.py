"""`./bedplate import STACK FILE`: a running cluster's secrets into a stack's state; the work is in `adopt/`."""

from __future__ import annotations

import os
from pathlib import Path

from toolchain import Layout, ensure

from . import stacks
from .commands import STACK_NOT_FOUND, create, run
from .errors import UsageError


def adopt(arguments: list[str], layout: Layout) -> int:
    """Import, into a stack that has made no secrets of its own; creates the stack on first use."""
    if len(arguments) != 2 or any(each.startswith("-") for each in arguments):
        there = ", ".join(stacks.known(layout)) or "none yet"
        raise UsageError(
            f"import: name one stack and the file that talosctl gen secrets wrote: ./bedplate import STACK FILE; there are: {there}"
        )
    stack = stacks.find(arguments[0], layout)
    environment = stacks.environment(stack, layout, os.environ)
    ensure({"plan"}, layout)
    # From where it was typed, and not from the checkout.
    command = [
        layout.venv / "bin" / "python",
        "-m",
        "operations.adopt",
        stack.name,
        Path(arguments[1]).absolute(),
        stack.file,
    ]
    with stacks.config(stack, layout) as folder:
        if stacks.absent(stack, layout, environment):
            create(stack.name, environment, layout, folder)
        code = run(command, environment, layout)
        if code == STACK_NOT_FOUND:
            # Only the engine knows what is in a backend that is not a folder.
            create(stack.name, environment, layout, folder)
            code = run(command, environment, layout)
        return code
