"""Files of runs that only their owner can read, whatever the umask is, and engine logs that do not pile up."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

from toolchain import Layout

UMASK = 0o077
"""What the engine, the program, plugins and day-two commands run with: their files are readable by their owner only."""
GROUP_UMASK = 0o007
"""The same for a stack whose state is in a folder that a group may write: a team shares that state."""
KEPT_LOGS = 10
_OTHERS = 0o077


def folder(path: Path) -> Path:
    """Make a folder with mode 0700 where there is none, and close one that others can enter; returns its path.

    The files and folders in a folder that was open are closed as well.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    if stat.S_IMODE(path.stat().st_mode) & _OTHERS:
        for found in path.rglob("*"):
            close(found)
        # Last, so that a run that is killed here is made good by the next.
        close(path)
    return path


def close(path: Path) -> None:
    """Take every right of the group and of others from a file or folder; a link is left alone."""
    with contextlib.suppress(FileNotFoundError):
        mode = path.lstat().st_mode
        if not stat.S_ISLNK(mode) and mode & _OTHERS:
            path.chmod(stat.S_IMODE(mode) & ~_OTHERS)


def umask_for(backend: Path | None) -> int:
    """The umask, a mode of file permissions, of an engine with that folder as its backend; None: it is no folder."""
    with contextlib.suppress(OSError):
        if backend is not None and backend.stat().st_mode & stat.S_IWGRP:
            return GROUP_UMASK
    return UMASK


def run_folder(layout: Layout, name: str) -> Path:
    """Make a folder for one run that only its owner can read. Removes the folders of runs that were killed."""
    home = folder(layout.home / "runs")
    for left in home.iterdir():
        number = left.name.rsplit("-", 2)[-2] if left.name.count("-") >= 2 else ""
        if number.isdecimal() and not Path(f"/proc/{number}").exists() and Path("/proc/self").exists():
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{name}-{os.getpid()}-", dir=home))


def tidy(layout: Layout) -> None:
    """Close the engine's home to others, and remove its logs except for the newest.

    The engine (3.255) writes a log of several MB for every run and removes none.
    Source: pulumi/pulumi pkg/logging/encrypted.go.
    """
    home = folder_only(layout.pulumi_home)
    logs = [(_time(file), file) for file in (home / "logs").glob("*.log")]
    for _, file in sorted(logs, reverse=True)[KEPT_LOGS:]:
        file.unlink(missing_ok=True)


def folder_only(path: Path) -> Path:
    """Make a folder with mode 0700, or close it; what is in it keeps its modes. Returns its path."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    close(path)
    return path


def _time(file: Path) -> float:
    with contextlib.suppress(OSError):
        return file.stat().st_mtime
    return 0.0
