"""End quietly when whoever reads our output has closed it, as `| head` does.

Every entry point runs inside `guarded`: `./bedplate` itself, and the programs that it starts (`operations/`, `lab/`).
"""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable
from typing import TextIO

# What a shell reports for a program that SIGPIPE ended: 128 + 13.
READER_LEFT = 141


def guarded(run: Callable[[], int]) -> int:
    """Run a program's main function and write out what it printed. Returns its exit code, or 141 without a reader.

    A broken connection to another machine raises the same exception: it is passed on, because stdout is still open.
    """
    try:
        try:
            return run()
        finally:
            # Also after SystemExit, with which argparse ends after --help.
            sys.stdout.flush()
            sys.stderr.flush()
    except BrokenPipeError:
        abandoned = [stream for stream in (sys.stdout, sys.stderr) if _has_no_reader(stream)]
        if not abandoned:
            raise
        for stream in abandoned:
            _discard(stream)
        return READER_LEFT


def _has_no_reader(stream: TextIO) -> bool:
    poll = select.poll()
    try:
        poll.register(stream.fileno(), 0)
    except (OSError, ValueError):
        # Not a file: a test captures it.
        return False
    return any(event & select.POLLERR for _, event in poll.poll(0))


def _discard(stream: TextIO) -> None:
    """Let the interpreter flush the rest into nothing when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
