"""The commands whose work is in `operations/`: each starts one module with the toolchain's Python."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path

from toolchain import Layout

from . import session, stacks
from .environment import tools
from .parts import ensure
from .process import INHERITED, python

# Where editors find the schema: each stack file names it in its first line.
SCHEMA = "schema/stack.schema.json"


def changes(given: Namespace, layout: Layout) -> int:
    """Compare the stack file with the state, without the machines. Exit code 0 when equal, 7 when something changes."""
    work = session.start(given.stack, layout)
    options = ["--json"] if given.json else []
    return work.module("operations.drift.changes", given.stack, *options, "--file", work.stack.file)


def drift(given: Namespace, layout: Layout) -> int:
    """Compare what the machines run with what was declared, read only. Exit code 0 when equal, 7 when it differs."""
    work = session.start(given.stack, layout)
    options = ["--json"] if given.json else []
    return work.module("operations.drift", given.stack, *options, "--file", work.stack.file)


def fence(given: Namespace, layout: Layout) -> int:
    """Switch off a dead machine and taint its Node, or remove the taint. Exit code 0 when done or shown, 2 if not."""
    work = session.start(given.stack, layout)
    options = [option for option, chosen in (("--return", given.back), ("--yes", given.yes)) if chosen]
    return work.module("operations.fence", given.stack, given.machine, *options, "--file", work.stack.file)


def adopt(given: Namespace, layout: Layout) -> int:
    """Import a running cluster's secrets into a stack that has none yet; creates the stack on first use.

    Returns the exit code of the import.
    """
    work = session.start(given.stack, layout)
    python_program = layout.venv / "bin" / "python"
    command: list[str | Path] = [
        python_program, "-m", "operations.adopt", work.stack.name, _typed(given.file), work.stack.file,
    ]  # fmt: skip
    with work.config() as folder:
        return work.run_creating(command, folder)


def boot(given: Namespace, layout: Layout) -> int:
    """Write the files of the boot server. Exit code 2 where the stack file has faults."""
    stack = stacks.find(given.stack, layout)
    ensure({"python"}, layout)
    folder = _typed(given.folder)
    return python(layout, tools(layout, os.environ), "operations.boot", stack.file, folder, umask=INHERITED)


def images(given: Namespace, layout: Layout) -> int:
    """List the images of a stack. Exit code 2 where the stack file has faults."""
    stack = stacks.find(given.stack, layout)
    ensure({"python"}, layout)
    options = ["--json"] if given.json else []
    return python(layout, tools(layout, os.environ), "operations.images", stack.file, *options, umask=INHERITED)


def schema(given: Namespace, layout: Layout) -> int:
    """Write the JSON Schema of the stack files. Returns the exit code."""
    ensure({"python"}, layout)
    file = _typed(given.file) if given.file else layout.checkout / SCHEMA
    return python(layout, tools(layout, os.environ), "operations.schema", file, umask=INHERITED)


def _typed(path: str) -> Path:
    """A path as it was typed: a relative one starts where it was typed, and the modules run in the checkout."""
    return Path(path).absolute()
