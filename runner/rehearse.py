"""`./bedplate rehearse` and its words: the work is in `lab/`, in a process with the toolchain's Python."""

from __future__ import annotations

import os
from argparse import Namespace

from toolchain import Layout

from . import stacks
from .environment import tools
from .errors import UsageError
from .parts import ensure
from .process import INHERITED, python
from .rehearsals import REHEARSE


def rehearse(given: Namespace, layout: Layout) -> int:
    """Run a rehearsal, or one of its words. Returns the exit code of the lab's process."""
    check(given, layout)
    ensure({"python"}, layout)
    return python(layout, tools(layout, os.environ), "lab", *given.typed, umask=INHERITED)


def check(given: Namespace, layout: Layout) -> None:
    """Raises UsageError for a rehearsal of a stack that has no file, and for one that could not keep its lab."""
    if given.command != "rehearse":
        return
    try:
        stacks.find(given.stack, layout)
    except UsageError as refused:
        words = ", ".join(REHEARSE.words)
        raise UsageError(f"rehearse: {refused}; instead of a stack, rehearse takes: {words}") from None
    if given.keep and (given.kills or given.steps):
        option = "--kills" if given.kills else "--steps"
        raise UsageError(
            f"rehearse: --keep with {option}: the lab is always removed after {option}, because its last state proves "
            f"nothing more; leave out one of them"
        )
