"""`./bedplate drift STACK`: what the machines run against what was declared; the work is in `drift/`."""

from __future__ import annotations

import os

from toolchain import Layout, ensure

from . import stacks
from .commands import run
from .errors import UsageError


def drift(arguments: list[str], layout: Layout) -> int:
    """Compare, read only: 0 when all is as declared, 7 when it is not."""
    names = [each for each in arguments if not each.startswith("-")]
    if len(names) != 1 or set(arguments) - {*names, "--json"}:
        raise UsageError(
            f"drift: name one stack: ./bedplate drift STACK [--json]; there are: {', '.join(stacks.known(layout)) or 'none yet'}"
        )
    environment = stacks.environment(stacks.find(names[0], layout), layout, os.environ)
    ensure({"plan"}, layout)
    return run([layout.venv / "bin" / "python", "-m", "operations.drift", *arguments], environment, layout)
