"""The first source: the exact version that is already on this machine.

A plugin's version is the name of its folder under PULUMI_HOME; any other binary is run with its version option.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from .layout import Layout
from .lock import Lock, Part


def search(part: Part, lock: Lock, layout: Layout) -> tuple[dict[str, Path], str]:
    """The part's files by name and their folder; no file, and the reason, when the exact version is not on PATH."""
    if part.products or (part.copies and not part.beside):
        return {}, "only built here"
    if part.plugin:
        folder = Path(os.environ.get("PULUMI_HOME", "~/.pulumi")).expanduser() / "plugins" / part.plugin
        files = {name: folder / name for name in part.files}
        if folder != layout.plugins / part.plugin and _runnable(files):
            return files, str(folder)
    if part.beside:
        return _beside(part, lock, layout)
    path = outside(layout)
    files = {name: Path(shutil.which(name, path=path) or "") for name in part.files}
    if not _runnable(files):
        return {}, "not on PATH"
    if not part.ask:
        return {}, "has no option that prints its version"
    for each in files.values():
        answer = version_of(each, part.ask)
        if answer != part.version:
            return {}, f"{each} is {answer or 'of an unknown version'}"
    return files, str(next(iter(files.values())).parent)


def _beside(part: Part, lock: Lock, layout: Layout) -> tuple[dict[str, Path], str]:
    leader, where = search(lock.parts[part.beside], lock, layout)
    if not leader:
        return {}, f"no {part.beside} {part.version} on PATH ({where})"
    folder = next(iter(leader.values())).resolve().parent
    files = {name: folder / name for name in part.files}
    return (files, str(folder)) if _runnable(files) else ({}, f"not beside {part.beside} in {folder}")


def outside(layout: Layout) -> str:
    """PATH without the folders of this toolchain: what it installed does not count as installed on the machine."""
    ours = str(layout.home)
    parts = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(each for each in parts if not each.startswith(ours))


def version_of(binary: Path, ask: tuple[str, ...]) -> str | None:
    """The version that a binary prints, without the leading `v`; None when it prints none."""
    try:
        done = subprocess.run(
            [binary, *ask],
            capture_output=True,
            text=True,
            timeout=20,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.search(r"\bv?(\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?)", done.stdout + done.stderr)
    return version.group(1) if version else None


def _runnable(files: Mapping[str, Path]) -> bool:
    return all(path.is_file() and os.access(path, os.X_OK) for path in files.values())
