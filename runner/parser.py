"""The one parser of the command line, built from the table of commands."""

from __future__ import annotations

import argparse
from typing import NoReturn

from toolchain import Layout

from . import stacks
from .commands import COMMANDS, STACK, Command
from .errors import UsageError

VARIABLES = """\
Options after a STACK go to the engine: ./bedplate preview dev --diff
  BEDPLATE_TOOLCHAIN=path|download|build   take every binary from this source only
  BEDPLATE_MIRROR=URL                      mirror of the official releases, by https
  BEDPLATE_STORE=FOLDER                    keep finished parts there, to share or cache them
  BEDPLATE_POLICY_PACK=PATH                another policy pack; empty for none
"""


class Parser(argparse.ArgumentParser):
    """Refuses what it does not know with one line, and no table of usage above it."""

    def error(self, message: str) -> NoReturn:
        """Raises UsageError."""
        raise UsageError(message)


def usage() -> str:
    """The table of commands, as `./bedplate` alone shows it."""
    rows = [(f"{name} {command.usage}".rstrip(), command.summary) for name, command in COMMANDS.items()]
    width = max(len(left) for left, _ in rows)
    lines = [f"  {left:<{width}}  {right}" for left, right in rows]
    return "\n".join(
        ["usage: ./bedplate COMMAND ...", "", *lines, "", VARIABLES + "Help for one: ./bedplate COMMAND --help"]
    )


def parser() -> argparse.ArgumentParser:
    """A parser with a subparser per command."""
    top = Parser(prog="./bedplate", usage=usage().removeprefix("usage: "), add_help=False, allow_abbrev=False)
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        text = f"example: ./bedplate {command.example}" + (f"\n\n{command.more}" if command.more else "")
        sub = commands.add_parser(
            name,
            usage=f"./bedplate {name} {command.usage}".rstrip(),
            description=f"{command.summary[0].upper()}{command.summary[1:]}.",
            epilog=text,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        for argument, options in command.arguments.items():
            action = sub.add_argument(argument, **options)
            if action.nargs == argparse.REMAINDER:
                # Otherwise the error about a missing STACK would also list the options as missing.
                action.required = False
    return top


def parse(arguments: list[str], layout: Layout) -> tuple[Command, argparse.Namespace]:
    """The command of a command line, and its arguments.

    Raises UsageError, in one line, for a command or an argument that does not exist; SystemExit after `--help`.
    """
    name, *rest = arguments
    if name not in COMMANDS:
        raise UsageError(f"there is no command {name!r}; there are: {', '.join(COMMANDS)}")
    command = COMMANDS[name]
    if command.raw and rest[:1] not in (["-h"], ["--help"]):
        return command, argparse.Namespace(command=name, options=rest)
    try:
        return command, parser().parse_args(arguments)
    except UsageError as refused:
        stack_names = f"; there are: {stacks.there(layout)}" if STACK.keys() <= command.arguments.keys() else ""
        form = f"./bedplate {name} {command.usage}".rstrip()
        raise UsageError(f"{name}: {refused}; write: {form}{stack_names}") from None
