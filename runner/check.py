"""`./bedplate check [STACK | FILE...]`: judge stack files. The work is in `operations/check.py`."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path

from toolchain import Layout

from . import stacks
from .environment import tools
from .errors import UsageError
from .parts import ensure
from .process import INHERITED, python


def check(given: Namespace, layout: Layout) -> int:
    """Judge stack files. Returns exit code 0 for files without faults, and 2 otherwise.

    Raises UsageError for a name that is neither a stack nor a file, and where the checkout has no stack.
    """
    names = given.files or stacks.known(layout)
    if not names:
        raise UsageError("check: the checkout has no file Pulumi.STACK.yaml; name the path of a stack file")
    files = [_file(name, layout) for name in names]
    ensure({"python"}, layout)
    return _run(files, layout, Path.cwd(), ["--json"] if given.json else [])


def before(command: str, file: Path, layout: Layout) -> int:
    """Judge the stack file that a command is about to use, and say nothing if it has no faults.

    Returns exit code 0, or 2 for a file with faults, which are shown.
    """
    options = ["--before", command, "--root", str(layout.checkout)]
    return _run([file], layout, layout.checkout, options)


def _run(files: list[Path], layout: Layout, folder: Path, options: list[str]) -> int:
    arguments: list[str | Path] = ["--from", folder, *options, *files]
    return python(layout, tools(layout, os.environ), "operations.check", *arguments, umask=INHERITED)


def _file(name: str, layout: Layout) -> Path:
    """The stack file of a stack's name or of a path. Raises UsageError."""
    if name in stacks.known(layout):
        return stacks.find(name, layout).file
    if os.path.lexists(name):
        return Path(name).absolute()
    known = stacks.there(layout)
    raise UsageError(f"check: {name!r} is neither a file nor a stack; there are the stacks: {known}")
