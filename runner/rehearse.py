"""`./bedplate rehearse`: the stack on real Talos nodes on this machine; the work is in `lab/`."""

from __future__ import annotations

import os

from toolchain import Layout, ensure

from .commands import run
from .environment import tools


def rehearse(arguments: list[str], layout: Layout) -> int:
    """Rehearse a stack, or stop what an earlier rehearsal left running."""
    ensure({"python"}, layout)
    return run([layout.venv / "bin" / "python", "-m", "lab", *arguments], tools(layout, os.environ), layout)
