"""What a checkout of the program holds: its entry points, and every package of ours that these import."""

import ast
import functools
import shutil
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
# The program, and what the engine starts beside it.
ENTRIES = ("__main__.py", "provider", "policy")


@functools.cache
def imported(root: Path, *entries: str) -> tuple[str, ...]:
    """The files and folders at the root of a checkout that some of them import, themselves included."""
    found: set[str] = set()
    todo = [*entries]
    while todo:
        name = todo.pop()
        if name in found:
            continue
        found.add(name)
        top = {each.partition(".")[0] for source in _sources(root / name) for each in _imports(source)}
        todo += [each for each in top if (root / each).is_dir()]
    return tuple(sorted(found))


def copy(root: Path, folder: Path, *others: str, entries: tuple[str, ...] = ENTRIES) -> None:
    """Copy what the program of a checkout consists of into a folder, and others at its root beside it."""
    for name in dict.fromkeys((*imported(root, *entries), *others)):
        if (root / name).is_dir():
            shutil.copytree(root / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "venv"))
        else:
            shutil.copy2(root / name, folder / name)


def _sources(path: Path) -> Iterator[Path]:
    return path.rglob("*.py") if path.is_dir() else iter([path])


def _imports(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
