"""End quietly when whoever reads our output has closed it, as `| head` does.

Every entry point runs inside `guarded`: `./bedplate` itself, and the programs that it starts (`operations/`, `lab/`).
"""

from __future__ import annotations

import errno
import os
import select
import sys
from collections.abc import Callable
from typing import TextIO

# What a shell reports for a program that SIGPIPE ended: 128 + 13.
READER_LEFT = 141
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO})


def guarded(run: Callable[[], int]) -> int:
    """Run a program's main function and write out what it printed. Returns its exit code.

    Returns 141 when the reader of the output left, and 1, after a line that says why, when the output can't be
    written, such as to a full disk. A broken connection to another machine raises the same exception as a reader that
    left: it is passed on, because stdout is still open.
    """
    _open_missing()
    try:
        try:
            return run()
        finally:
            # Also after SystemExit, with which argparse ends after --help.
            sys.stdout.flush()
            sys.stderr.flush()
    except BrokenPipeError:
        without_reader = abandoned()
        if not without_reader:
            raise
        for stream in without_reader:
            _discard(stream)
        return READER_LEFT
    except OSError as error:
        # A file that can't be written has a name in its error.
        if error.errno not in _FULL or error.filename is not None:
            raise
        _discard(sys.stdout)
        print(f"bedplate: the output can't be written: {error.strerror}", file=sys.stderr)
        return 1


def abandoned() -> list[TextIO]:
    """Those of the program's output streams whose reader has left."""
    return [stream for stream in (sys.stdout, sys.stderr) if _has_no_reader(stream)]


def _open_missing() -> None:
    """Give the program streams that lead nowhere where it was started with closed ones, as `>&-` does."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))


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
