"""The namespaces of a lab, and the processes that are still in them."""

import os
import time
from pathlib import Path

from . import speed
from .kernel import descendants

KINDS = ("pid", "net", "mnt", "user", "cgroup", "ipc", "uts")


def of_lab(init: int, proc: Path = Path("/proc")) -> set[str]:
    """The namespaces of a lab's init and of all processes beneath it, without those that this process is in."""
    own = {os.readlink(proc / "self" / "ns" / kind) for kind in KINDS}
    return {namespace for pid in descendants(init, proc) for namespace in of_process(pid, proc)} - own


def of_process(pid: int, proc: Path = Path("/proc")) -> set[str]:
    """The namespaces of one process; none if it has ended."""
    try:
        return {os.readlink(proc / str(pid) / "ns" / kind) for kind in KINDS}
    except OSError:
        return set()


def inside(namespaces: set[str], proc: Path = Path("/proc")) -> list[str]:
    """Every process that is in one of these namespaces, as its number and command."""
    processes = []
    for entry in proc.iterdir():
        if not entry.name.isdigit() or not namespaces & of_process(int(entry.name), proc):
            continue
        try:
            processes.append(f"{entry.name} {(entry / 'comm').read_text().strip()}")
        except OSError:
            continue
    return processes


def left_in(namespaces: set[str], seconds: float = 20) -> list[str]:
    """The processes, as number and command, that stay in these namespaces after their init has ended.

    A killed process takes a moment to end, so this waits for up to `seconds`.
    """
    end = time.monotonic() + speed.deadline(seconds)
    while (found := inside(namespaces)) and time.monotonic() < end:
        time.sleep(0.2)
    return found
