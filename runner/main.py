"""`./bedplate COMMAND`: run one command, and turn its errors into a line and an exit code."""

from __future__ import annotations

import os
import sys

from toolchain import Layout, ToolchainError

from . import passphrase, pipes
from .commands import COMMANDS
from .errors import UsageError
from .filter import shown
from .parser import parse, usage

__all__ = ["COMMANDS", "main", "main_in"]


def main(arguments: list[str]) -> int:
    """Run one command in this checkout. Returns its exit code, or 2 when it could not be run as typed."""
    return pipes.guarded(lambda: main_in(Layout.of(), arguments))


def main_in(layout: Layout, arguments: list[str]) -> int:
    """Run one command in the checkout of that layout. Returns the exit code."""
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        print(usage())
        return 0
    try:
        command, given = parse(arguments, layout)
        if command.reads_passphrase:
            return command.run(given, layout)
        with passphrase.hidden(os.environ):
            return command.run(given, layout)
    except UsageError as error:
        _report(error)
        return 2
    except ToolchainError as error:
        _report(error)
        return 1
    except KeyboardInterrupt:
        print("bedplate: stopped; finished parts are kept", file=sys.stderr)
        return 130
    except SystemExit as end:
        # argparse ends so after --help.
        return int(end.code or 0)


def _report(error: Exception) -> None:
    """Print an error. It may quote what a program, a machine or a server said, so its lines are made printable."""
    print(f"bedplate: {shown(str(error))}", file=sys.stderr)
