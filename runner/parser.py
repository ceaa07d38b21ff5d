"""The one parser of the command line: each command's is built from its row in the table of commands."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import NoReturn

from toolchain import Layout

from . import stacks
from .command import STACK, Command
from .commands import COMMANDS
from .errors import UsageError

VARIABLES = """\
Options after a STACK go to the engine: ./bedplate preview dev --diff
  BEDPLATE_TOOLCHAIN=path|download|build   take every binary from this source only
  BEDPLATE_MIRROR=URL                      mirror of the official releases, by https
  BEDPLATE_STORE=FOLDER                    keep finished parts there, to share or cache them
  BEDPLATE_STORE_KEY_FILE=FILE             a key that signs what goes into the store, and is required of it
  BEDPLATE_POLICY_PACK=PATH                another policy pack; empty for none
"""


# A row of the table of commands whose left half has more characters has its right half in a line of its own.
WIDEST = 38


class Parser(argparse.ArgumentParser):
    """Refuses what it does not know with one line, and no table of usage above it."""

    def error(self, message: str) -> NoReturn:
        """Raises UsageError."""
        raise UsageError(message)


def usage() -> str:
    """The table of commands, as `./bedplate` alone shows it."""
    rows = [(f"{name} {command.usage}".rstrip(), command.summary) for name, command in _all()]
    width = max(len(left) for left, _ in rows if len(left) <= WIDEST)
    lines = [
        f"  {left:<{width}}  {right}" if len(left) <= WIDEST else f"  {left}\n  {'':<{width}}  {right}"
        for left, right in rows
    ]
    return "\n".join(
        ["usage: ./bedplate COMMAND ...", "", *lines, "", VARIABLES + "Help for one: ./bedplate COMMAND --help"]
    )


def _all() -> Iterator[tuple[str, Command]]:
    """Every command and its name; those of a word, such as `rehearse stop`, after the command that has the word."""
    for name, command in COMMANDS.items():
        yield name, command
        for word, inner in command.words.items():
            yield f"{name} {word}", inner


def _form(name: str, command: Command) -> str:
    """How the command is written."""
    return f"./bedplate {name} {command.usage}".rstrip()


def _parser(name: str, command: Command) -> argparse.ArgumentParser:
    forms = [_form(name, command), *(_form(f"{name} {word}", inner) for word, inner in command.words.items())]
    text = f"example: ./bedplate {command.example}" + (f"\n\n{command.more}" if command.more else "")
    parser = Parser(
        prog=f"./bedplate {name}",
        usage="\n       ".join(forms),
        description=f"{command.summary[0].upper()}{command.summary[1:]}.",
        epilog=text,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    only_one = parser.add_mutually_exclusive_group()
    for argument, options in command.arguments.items():
        action = (only_one if argument in command.exclusive else parser).add_argument(argument, **options)
        if action.nargs == argparse.REMAINDER:
            # Otherwise the error about a missing STACK would also list the options as missing.
            action.required = False
    return parser


def parse(arguments: list[str], layout: Layout) -> tuple[Command, argparse.Namespace]:
    """The command of a command line, and its arguments.

    The namespace also has `command`, the name with its word such as `rehearse stop`, and `typed`, everything after
    the first word.

    Raises UsageError, in one line, for a command or an argument that does not exist; SystemExit after `--help`.
    """
    name, *typed = arguments
    if name not in COMMANDS:
        raise UsageError(f"there is no command {name!r}; there are: {', '.join(COMMANDS)}")
    command, rest = COMMANDS[name], typed
    if rest and rest[0] in command.words:
        word, *rest = rest
        name, command = f"{name} {word}", command.words[word]
    given = argparse.Namespace(command=name, typed=typed)
    if command.raw and rest[:1] not in (["-h"], ["--help"]):
        given.options = rest
        return command, given
    try:
        return command, _parser(name, command).parse_args(rest, given)
    except UsageError as refused:
        stack_names = f"; there are: {stacks.there(layout)}" if STACK.keys() <= command.arguments.keys() else ""
        raise UsageError(f"{name}: {refused}; write: {_form(name, command)}{stack_names}") from None
