"""The first source: the exact version that is already on this machine.

A plugin's version is the name of its folder under PULUMI_HOME; any other binary is asked.
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
    """Files of the exact version by name and where they are, or nothing and why not."""
    if part.products or (part.copies and not part.beside):
        return {}, "only built here"
    if part.plugin:
        folder = Path(os.environ.get("PULUMI_HOME", "~/.pulumi")).expanduser() / "plugins" / part.plugin
        found = {name: folder / name for name in part.files}
        if folder != layout.plugins / part.plugin and _runnable(found):
            return found, str(folder)
    if part.beside:
        return _beside(part, lock, layout)
    path = outside(layout)
    found = {name: Path(shutil.which(name, path=path) or "") for name in part.files}
    if not _runnable(found):
        return {}, "not on PATH"
    if not part.ask:
        return {}, "cannot be asked for its version"
    for each in found.values():
        answer = version_of(each, part.ask)
        if answer != part.version:
            return {}, f"{each} is {answer or 'of an unknown version'}"
    return found, str(next(iter(found.values())).parent)


def _beside(part: Part, lock: Lock, layout: Layout) -> tuple[dict[str, Path], str]:
    leader, where = search(lock.parts[part.beside], lock, layout)
    if not leader:
        return {}, f"no {part.beside} {part.version} on PATH ({where})"
    folder = next(iter(leader.values())).resolve().parent
    found = {name: folder / name for name in part.files}
    return (found, str(folder)) if _runnable(found) else ({}, f"not beside {part.beside} in {folder}")


def outside(layout: Layout) -> str:
    """PATH without our own folders: what we installed is not what the machine has."""
    ours = str(layout.home)
    parts = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(each for each in parts if not each.startswith(ours))


def version_of(binary: Path, ask: tuple[str, ...]) -> str | None:
    """The version a binary tells about itself, without the leading `v`."""
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
    found = re.search(r"\bv?(\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?)", done.stdout + done.stderr)
    return found.group(1) if found else None


def _runnable(found: Mapping[str, Path]) -> bool:
    return all(path.is_file() and os.access(path, os.X_OK) for path in found.values())
