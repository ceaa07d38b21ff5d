"""The one cgroup per lab that lies outside its namespaces, and how to take it away again."""

import os
import time
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")


def version_2() -> bool:
    """Whether the machine runs on the unified hierarchy alone."""
    return (ROOT / "cgroup.controllers").exists()


def name(lab: str) -> str:
    """The cgroup of a lab."""
    return f"bedplate-{lab}"


def node_path(lab: str, node: str) -> str:
    """What the runtime is told for one node.

    On version 1 a relative path, so that the node counts against whoever started it; on version 2
    that cgroup has processes and so can't hand controllers down, hence a path from the top.
    """
    return f"/{name(lab)}/{node}" if version_2() else f"{name(lab)}/{node}"


def own(root: Path = ROOT, proc: Path = Path("/proc/self/cgroup")) -> list[Path]:
    """The directories, one per hierarchy, that this process is in."""
    if (root / "cgroup.controllers").exists():
        return [root]
    found = []
    for line in proc.read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        # Beside version 1 there may be an empty version 2, where systemd puts it. The runtime uses it as well.
        directory = root / (controllers.removeprefix("name=") or "unified")
        if directory.is_dir():
            found.append(directory / path.lstrip("/"))
    return found


def of_lab(lab: str) -> list[Path]:
    """Every directory that a lab of this name has or would have."""
    return [parent / name(lab) for parent in own()]


def remove(directories: list[Path], *, seconds: float = 20) -> list[Path]:
    """Remove cgroups, children first, waiting for dying processes; returns what is still there."""
    end = time.monotonic() + seconds
    while True:
        for top in directories:
            for directory, _, _ in os.walk(top, topdown=False):
                try:
                    os.rmdir(directory)
                except OSError:
                    pass  # busy: a process in it is still dying
        left = [top for top in directories if top.exists()]
        if not left or time.monotonic() >= end:
            return left
        time.sleep(0.1)


def give(lab: str, node: str, user: int) -> None:
    """Hand a node's cgroups to the root of its user namespace."""
    for top in of_lab(lab):
        for directory, _, files in os.walk(top / node):
            os.chown(directory, user, user)
            for file in files:
                try:
                    os.chown(os.path.join(directory, file), user, user)
                except OSError:
                    pass  # a file the kernel does not let anybody own
