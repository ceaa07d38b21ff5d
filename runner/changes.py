"""`./bedplate changes STACK`: what each machine has against what it gets next; the work is in `drift/`."""

from __future__ import annotations

import os

from toolchain import Layout, ensure

from . import stacks
from .commands import run
from .errors import UsageError


def changes(arguments: list[str], layout: Layout) -> int:
    """Compare the stack file with the state; no machine is asked: 0 when nothing changes, 7 when something does."""
    names = [each for each in arguments if not each.startswith("-")]
    if len(names) != 1 or set(arguments) - {*names, "--json"}:
        raise UsageError(
            f"changes: name one stack: ./bedplate changes STACK [--json]; there are: {', '.join(stacks.known(layout)) or 'none yet'}"
        )
    stack = stacks.find(names[0], layout)
    environment = stacks.environment(stack, layout, os.environ)
    ensure({"plan"}, layout)
    return run(
        [layout.venv / "bin" / "python", "-m", "operations.drift.changes", *arguments, "--file", stack.file],
        environment,
        layout,
    )
