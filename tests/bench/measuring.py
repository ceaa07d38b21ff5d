"""One preview, timed: wall seconds, and the processor seconds and the memory of all its processes."""

import os
import resource
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from clients.judge import VARIABLE

PAGE_BYTES = 4096
WATCH_SECONDS = 0.2


@dataclass(frozen=True)
class Measured:
    """What one preview took."""

    seconds: float
    """Wall seconds, from the command to its end."""
    processor: float
    """Processor seconds of all processes together. They change little with what else the machine does."""
    megabytes: float
    """The peak of resident memory of all processes together."""


def measure(folder: Path, policies: bool, judged: bool = True) -> Measured:
    """Run one preview in a folder, as ./bedplate would or without Talos' validation. Raises SystemExit if it fails."""
    command = ["pulumi", "preview", "--stack", "bench", "--non-interactive", "--suppress-outputs"]
    start, before, peak, done = time.monotonic(), _processor(), [0.0], threading.Event()
    process = subprocess.Popen(
        [*command, *(["--policy-pack", "policy/pack"] if policies else [])],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if judged or name != VARIABLE},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )

    def watch() -> None:
        while not done.wait(WATCH_SECONDS):
            peak[0] = max(peak[0], _resident(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    _, errors = process.communicate()
    seconds = time.monotonic() - start
    done.set()
    watcher.join()
    if process.returncode:
        sys.exit(f"a preview in {folder.name} failed:\n{errors.decode()}")
    return Measured(seconds, _processor() - before, peak[0])


def _processor() -> float:
    """Processor seconds of all children that have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _resident(root: int) -> float:
    """Megabytes of a process and all its descendants."""
    parents, sizes = {}, {}
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split() if entry.name.isdigit() else None
        except OSError:
            continue
        if fields:
            parents[int(entry.name)], sizes[int(entry.name)] = int(fields[1]), int(fields[21]) * PAGE_BYTES / 1e6
    total, todo = 0.0, {root}
    while todo:
        total += sum(sizes.get(process, 0.0) for process in todo)
        todo = {process for process, parent in parents.items() if parent in todo}
    return total
