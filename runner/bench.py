"""`./bedplate bench`: the measuring is in `tests/bench/`, in a process with the toolchain's Python."""

from __future__ import annotations

import os
import re
from argparse import Namespace
from pathlib import Path

from toolchain import Layout

from . import stacks
from .environment import tools
from .errors import UsageError
from .parts import ensure
from .process import INHERITED, run

NUMBERS = re.compile(r"[1-9][0-9]*x[0-9]+")


def bench(given: Namespace, layout: Layout) -> int:
    """Measure what a plan costs, as ratios of one run. Returns the exit code."""
    check(given, layout)
    ensure({"plan"}, layout)
    command = [layout.venv / "bin" / "python", "tests/bench/plan.py", str(given.rounds), "--sizes", given.sizes]
    if given.against:
        # The program runs in the checkout, and a relative path starts where it was typed.
        command += ["--against", Path(given.against).absolute()]
    if given.policies:
        command.append("--policies")
    return run(command, tools(layout, os.environ), layout, umask=INHERITED)


def check(given: Namespace, layout: Layout) -> None:
    """Raises UsageError for a size that is neither a stack nor numbers, and for a folder that is not a checkout."""
    for size in given.sizes.split(","):
        if not NUMBERS.fullmatch(size) and size not in stacks.known(layout):
            raise UsageError(
                f"bench: --sizes: {size!r} is no size; write a stack (there are: {stacks.there(layout)}) "
                "or MACHINESxVMS such as 10x100, with commas between several"
            )
    if given.against and not (Path(given.against) / "__main__.py").is_file():
        raise UsageError(
            f"bench: --against: {given.against} has no __main__.py, so it is no checkout; write the folder of one"
        )
