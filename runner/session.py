"""What every command that works on a stack needs first: the stack, its environment and the parts of the toolchain."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from toolchain import Layout

from . import stacks
from .errors import UsageError
from .filter import Filter
from .parts import ensure
from .process import capture, python, run

# The engine's own exit code for a stack that its backend does not have.
STACK_NOT_FOUND = 6


@dataclass(frozen=True)
class Session:
    """One stack, ready for the engine: its environment is complete, and the parts are set up."""

    stack: stacks.Stack
    environment: dict[str, str]
    layout: Layout
    files: dict[str, Path]
    """Path of each file of the toolchain's parts, by its name."""

    def module(self, name: str, *arguments: str | Path) -> int:
        """Run a module with the toolchain's Python in the engine's environment. Returns its exit code."""
        return python(self.layout, self.environment, name, *arguments)

    def capture(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the engine. Returns its exit code and its output, which is not shown."""
        return capture([self.layout.bin / "pulumi", *arguments], self.environment, self.layout)

    @contextmanager
    def config(self) -> Iterator[Path]:
        """A folder with a copy of the stack's file for this run; the path of the folder."""
        with stacks.config(self.stack, self.layout) as folder, stacks.passing(self.environment, self.layout):
            yield folder

    def run(self, command: Sequence[str | Path]) -> int:
        """Run the engine, or a program that does; what it shows is printable. Returns the exit code."""
        output = Filter(colour=any(str(each).startswith("--color") for each in command))
        return run(command, self.environment, self.layout, output=output)

    def run_creating(self, command: Sequence[str | Path], folder: Path) -> int:
        """Run a program that needs the stack to exist, and create the stack where it does not. Returns the exit code.

        `folder` is the folder of `config()`, in which the stack is created.
        """
        if stacks.absent(self.stack, self.layout, self.environment):
            self._create(folder)
        code = self.run(command)
        if code == STACK_NOT_FOUND:
            # Only the engine knows what is in a backend that is not a folder.
            self._create(folder)
            code = self.run(command)
        return code

    def _create(self, folder: Path) -> None:
        """Create the stack; one that another run has just created will do. Raises UsageError."""
        name = self.stack.name
        command: list[str | Path] = [self.layout.bin / "pulumi", "stack", "init", "--no-select", "--non-interactive"]
        done = capture([*command, name], self.environment, self.layout, folder=folder)
        output = (done.stdout + done.stderr).strip()
        if done.returncode and "already exists" not in output:
            raise UsageError(f"stack {name} could not be created: {output}")
        print(f"Created stack {name}", file=sys.stderr)


def start(name: str, layout: Layout, parts: Iterable[str] = ("plan",)) -> Session:
    """Find the stack, check its environment, and set up the parts.

    Raises UsageError for a stack that has no file or lacks variables, ToolchainError for a part that cannot be had.
    """
    stack = stacks.find(name, layout)
    environment = stacks.environment(stack, layout, os.environ)
    return Session(stack, environment, layout, ensure(set(parts), layout))
