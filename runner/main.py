"""`./bedplate COMMAND`: the table of commands, and what becomes of their errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from toolchain import Layout, ToolchainError

from . import access, adopt, boot, changes, commands, doctor, drift, lint, rehearse, snapshot
from .errors import UsageError


@dataclass(frozen=True)
class Command:
    """One row of the table: a command takes its arguments and yields the exit code."""

    usage: str
    summary: str
    run: Callable[[list[str], Layout], int]


COMMANDS = {
    "setup": Command(
        "[--all] [--write-manifests] [PART...]",
        "set up the toolchain (every command does so by itself)",
        commands.setup,
    ),
    "preview": Command("STACK [OPTION...]", "show all that would happen, judged by the policy pack", commands.preview),
    "up": Command("STACK [OPTION...]", "make it happen", commands.up),
    "refresh": Command("STACK [OPTION...]", "read what is really there", commands.refresh),
    "destroy": Command("STACK [OPTION...]", "take it down, all but what is protected", commands.destroy),
    "access": Command("STACK", "write the credentials of its APIs to files, and say what to type first", access.access),
    "changes": Command(
        "STACK [--json]",
        "what an up changes on each machine, by field, and what reboots; no hardware; 0 or 7",
        changes.changes,
    ),
    "drift": Command("STACK [--json]", "compare what its machines run with what was declared; 0 or 7", drift.drift),
    "snapshot": Command("STACK [FILE]", "write a snapshot of its etcd to a file", snapshot.snapshot),
    "import": Command("STACK FILE", "put the secrets of a cluster that runs into its state", adopt.adopt),
    "boot": Command("STACK FOLDER", "write the files of the server that its machines boot from", boot.boot),
    "rehearse": Command(
        "[STACK [--keep | --kills N | --steps] | stop [STACK] | check]",
        "bring it up for real on this machine, and down again",
        rehearse.rehearse,
    ),
    "test": Command("[PYTEST-OPTION...]", "run the tests", commands.test),
    "lint": Command("[PATH...]", "check format, style, types and docstrings of the code", lint.lint),
    "doctor": Command("", "show each part of the toolchain and what is wrong with it", doctor.doctor),
    "schema": Command("[FILE]", "write the JSON Schema of the stack files", commands.schema),
    "bench": Command("[ROUNDS]", "measure what a plan costs, as ratios of one run", commands.bench),
    "pulumi": Command("ARGUMENT...", "run the engine itself, in the right environment", commands.pulumi),
}


def usage() -> str:
    """The table, as the user sees it."""
    rows = [(f"{name} {command.usage}".rstrip(), command.summary) for name, command in COMMANDS.items()]
    width = max(len(left) for left, _ in rows)
    return "\n".join(
        [
            "usage: ./bedplate COMMAND ...",
            "",
            *(f"  {left:<{width}}  {right}" for left, right in rows),
            "",
            "Options after a STACK go to the engine: ./bedplate preview dev --diff",
            "  BEDPLATE_TOOLCHAIN=path|download|build   take every binary from this source only",
            "  BEDPLATE_MIRROR=URL                      mirror of the official releases",
            "  BEDPLATE_STORE=FOLDER                    keep finished parts there, to share or cache them",
            "  BEDPLATE_POLICY_PACK=PATH                another policy pack; empty for none",
        ]
    )


def main(arguments: list[str]) -> int:
    """Run one command in this checkout; its exit code, or 2 when it could not be run as asked."""
    return main_in(Layout.of(), arguments)


def main_in(layout: Layout, arguments: list[str]) -> int:
    """Run one command in the checkout of that layout."""
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        print(usage())
        return 0
    name, *rest = arguments
    if name not in COMMANDS:
        print(f"bedplate: there is no command {name!r}; there are: {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    try:
        return COMMANDS[name].run(rest, layout)
    except UsageError as fault:
        print(f"bedplate: {fault}", file=sys.stderr)
        return 2
    except ToolchainError as fault:
        print(f"bedplate: {fault}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bedplate: stopped; what is finished is kept", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read our output has closed it, as `| head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
