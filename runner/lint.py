"""`./bedplate lint [PATH...]`: format, style, types and docstrings of the code, one line per finding."""

from __future__ import annotations

import os
import subprocess
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from toolchain import Layout, ToolchainError

from . import docstrings
from .environment import tools
from .errors import UsageError
from .parts import ensure

# What ships. The helpers of the tests are type checked with it; a test itself is not.
PRODUCTS = ("clients", "components", "core", "lab", "operations", "policy", "provider", "runner", "toolchain")
TYPED = (*PRODUCTS, "__main__.py", "tests")


def lint(given: Namespace, layout: Layout) -> int:
    """Print every finding below the given paths, or in the whole checkout; exit code 1 when there is one.

    Raises UsageError for a path that does not exist.
    """
    absent = [path for path in given.paths if not (layout.checkout / path).exists()]
    if absent:
        raise UsageError(
            f"lint: {absent[0]} is no file or folder of the checkout; write e.g. ./bedplate lint core tests"
        )
    ensure({"python"}, layout)
    findings = [each for check in CHECKS.values() for each in check(layout, given.paths)]
    for finding in findings:
        print(finding)
    count = f"{len(findings)} finding{'' if len(findings) == 1 else 's'}"
    print(f"lint: {count}" if findings else f"lint: no findings ({', '.join(CHECKS)})")
    return 1 if findings else 0


def formatting(layout: Layout, paths: Sequence[str] = ()) -> Iterator[str]:
    """Yield each file that `ruff format` would change."""
    output = _run(["ruff", "format", "--check", "--quiet", "--output-format", "concise", *_below(paths)], layout)
    for line in output:
        path = line.removeprefix("Would reformat: ").split(":", 1)[0]
        yield f"{_relative(path, layout)}: format: is not formatted; run: ruff format {_relative(path, layout)}"


def linting(layout: Layout, paths: Sequence[str] = ()) -> Iterator[str]:
    """Yield each finding of `ruff check`."""
    for line in _run(["ruff", "check", "--quiet", "--output-format", "concise", *_below(paths)], layout):
        yield _relative(line, layout)


def types(layout: Layout, paths: Sequence[str] = ()) -> Iterator[str]:
    """Yield each error of mypy below the given paths. mypy always reads the whole code, because
    a change of a type can break other folders."""
    rooms = [room for room in TYPED if (layout.checkout / room).exists()]
    command = ["mypy", "--cache-dir", str(layout.home / "mypy"), "--no-error-summary", "--hide-error-context", *rooms]
    for line in _run(command, layout):
        if ": note: " not in line and _is_below(line, paths):
            yield line


def docs(layout: Layout, paths: Sequence[str] = ()) -> Iterator[str]:
    """Yield each public definition whose docstring lacks an exception, a unit, a shape or a source."""
    for room in PRODUCTS:
        for file in sorted((layout.checkout / room).rglob("*.py")):
            shown = file.relative_to(layout.checkout).as_posix()
            if _is_below(shown, paths):
                yield from docstrings.check(file, shown)


Check = Callable[[Layout, Sequence[str]], Iterator[str]]
CHECKS: dict[str, Check] = {"format": formatting, "lint": linting, "types": types, "docstrings": docs}


def _below(paths: Sequence[str]) -> list[str]:
    return list(paths) or ["."]


def _is_below(shown: str, paths: Sequence[str]) -> bool:
    file = shown.split(":", 1)[0]
    return not paths or any(file == path.rstrip("/") or file.startswith(path.rstrip("/") + "/") for path in paths)


def _relative(line: str, layout: Layout) -> str:
    return line.removeprefix(f"{layout.checkout}{os.sep}")


def _run(command: list[str], layout: Layout) -> list[str]:
    """Lines that a checker printed. Raises ToolchainError when it could not run at all."""
    environment = tools(layout, os.environ) | {"RUFF_CACHE_DIR": str(layout.home / "ruff"), "NO_COLOR": "1"}
    python: Path = layout.venv / "bin" / "python"
    done = subprocess.run(
        [python, "-m", *command], cwd=layout.checkout, env=environment, capture_output=True, text=True, check=False
    )
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    if done.returncode not in {0, 1} or (done.returncode == 1 and not lines):
        reason = (done.stderr or done.stdout).strip()
        raise ToolchainError(f"lint: {command[0]} could not check the code: {reason}")
    return lines
