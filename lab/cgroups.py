"""The one cgroup of a lab that lies outside its namespaces, and how to remove it.

A lab's cgroup carries the lab's identity (Layout.identity), so that labs of two checkouts never share one.
"""

import os
import time
from contextlib import suppress
from pathlib import Path

from . import speed

ROOT = Path("/sys/fs/cgroup")
# As many processes as a busy lab has that want to run. With the time of one, beside a busy computer's other processes,
# virt-operator is killed by its own probe before it has started.
WEIGHT = 8


def version_2() -> bool:
    """Whether the computer runs on the unified hierarchy alone."""
    return (ROOT / "cgroup.controllers").exists()


def name(identity: str) -> str:
    """The name of a lab's cgroup."""
    return f"bedplate-{identity}"


def node_path(identity: str, node: str) -> str:
    """The cgroup path of one node, as runc takes it.

    On version 1 the path is relative, so that the node counts against whoever started it. On version 2 the caller's
    cgroup holds processes and so can't hand controllers down, hence a path from the top.
    """
    return f"/{name(identity)}/{node}" if version_2() else f"{name(identity)}/{node}"


def own(root: Path = ROOT, proc: Path = Path("/proc/self/cgroup")) -> list[Path]:
    """The directories, one per hierarchy, of the cgroups that this process is in."""
    if (root / "cgroup.controllers").exists():
        return [root]
    directories = []
    for line in proc.read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        # Beside version 1 there may be an empty version 2, where systemd puts it. The runtime uses it as well.
        directory = root / (controllers.removeprefix("name=") or "unified")
        if directory.is_dir():
            directories.append(directory / path.lstrip("/"))
    return directories


def of_lab(identity: str) -> list[Path]:
    """Every directory that the lab of this identity has or would have, one per hierarchy."""
    return [parent / name(identity) for parent in own()]


def everywhere(identity: str, root: Path = ROOT) -> set[str]:
    """Every directory of the lab's cgroups in the whole tree, also where none should be."""
    paths = set()
    for directory, names, _ in os.walk(root):
        if name(identity) in directory.split("/"):
            paths.add(directory)
            paths.update(f"{directory}/{child}" for child in names)
        elif name(identity) in names:
            paths.add(f"{directory}/{name(identity)}")
    return paths


def processes(directories: list[Path], proc: Path = Path("/proc")) -> list[str]:
    """The processes in these cgroups and beneath them, each as its number and command."""
    pids: set[int] = set()
    for top in directories:
        for directory, _, _ in os.walk(top):
            with suppress(OSError):
                pids.update(int(pid) for pid in Path(directory, "cgroup.procs").read_text().split())
    listed = []
    for pid in sorted(pids):
        with suppress(OSError):
            listed.append(f"{pid} {(proc / str(pid) / 'comm').read_text().strip()}")
    return listed


def remove(directories: list[Path], *, seconds: float = 20) -> list[Path]:
    """Remove cgroups, children first, and wait for dying processes. Returns the directories that are still there."""
    end = time.monotonic() + speed.deadline(seconds)
    while True:
        for top in directories:
            for directory, _, _ in os.walk(top, topdown=False):
                # A directory is busy while a process in it is ending.
                with suppress(OSError):
                    os.rmdir(directory)
        left = [top for top in directories if top.exists()]
        if not left or time.monotonic() >= end:
            return left
        time.sleep(0.1)


def weigh(identity: str) -> None:
    """Give a lab the processor's time of `WEIGHT` processes. The kernel would give it that of one, with all in it."""
    for top in of_lab(identity):
        for file, weight in (("cpu.shares", WEIGHT * 1024), ("cpu.weight", WEIGHT * 100)):
            # Only the hierarchy of processors has one of them.
            if (top / file).exists():
                with suppress(OSError):
                    (top / file).write_text(f"{weight}\n")


def give(identity: str, node: str, user: int) -> None:
    """Hand a node's cgroups to the root of its user namespace."""
    for top in of_lab(identity):
        for directory, _, files in os.walk(top / node):
            os.chown(directory, user, user)
            for file in files:
                # The kernel refuses to change the owner of some of these files.
                with suppress(OSError):
                    os.chown(os.path.join(directory, file), user, user)
