"""One row of the table of commands: its arguments, purpose, an example, and the function that runs it.

The functions are named and not imported, so that a command loads only what it needs.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from toolchain import Layout

Handler = Callable[[argparse.Namespace, Layout], int]

# Argument of a command -> what argparse takes to add it.
Arguments = Mapping[str, Mapping[str, Any]]
STACK: Arguments = {"stack": {"metavar": "STACK", "help": "a stack: it has a file Pulumi.STACK.yaml"}}


def whole_number(text: str) -> int:
    """The type of an argument that counts something, from 1.

    Raises ArgumentTypeError for any other text.
    """
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text!r}")
    return int(text)


@dataclass(frozen=True)
class Command:
    """One row of the table."""

    usage: str
    summary: str
    example: str
    handler: str
    """MODULE:FUNCTION below runner/. It takes the parsed arguments and returns the exit code."""
    arguments: Arguments = field(default_factory=dict)
    exclusive: tuple[str, ...] = ()
    """Options of which a call may have only one."""
    words: Mapping[str, Command] = field(default_factory=dict)
    """First arguments that select a command of their own, such as `stop` in `rehearse stop`."""
    raw: bool = False
    """All arguments are passed on unread, as `options`; only --help in the first place is ours."""
    passphrase: bool = False
    """The command itself needs the passphrase of a stack although STACK is none of its arguments."""
    more: str = ""
    """What --help adds."""

    @property
    def reads_passphrase(self) -> bool:
        """Whether the command reads the passphrase of a stack's secrets; from all others it is hidden."""
        return self.passphrase or "stack" in self.arguments

    def run(self, given: argparse.Namespace, layout: Layout) -> int:
        """Run the command. Returns its exit code."""
        module, name = self.handler.split(":")
        handler: Handler = getattr(importlib.import_module(f"runner.{module}"), name)
        return handler(given, layout)
