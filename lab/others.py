"""Labs of other checkouts on the same computer: found and named, never touched."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from .layout import Layout

_SUPERVISOR = "lab.supervisor"


@dataclass(frozen=True)
class ForeignLab:
    """A running lab of another checkout."""

    checkout: Path
    stack: str
    pid: int
    """Process id of the lab's init, or of its supervisor if the file that names the init is missing."""
    since: float
    """Seconds since 1970."""

    def __str__(self) -> str:
        begun = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.since))
        return f"lab {self.stack} of the checkout {self.checkout} (process {self.pid}, since {begun})"


def foreign(folder: Path, proc: Path = Path("/proc")) -> list[ForeignLab]:
    """The running labs whose files lie in another folder than `folder`, the folder of this checkout's labs."""
    pids: dict[Path, list[int]] = {}
    for entry in proc.iterdir():
        if entry.name.isdigit() and (directory := _directory(entry)) is not None:
            pids.setdefault(directory, []).append(int(entry.name))
    labs = []
    for directory, processes in sorted(pids.items()):
        if directory.parent.resolve() == folder.resolve():
            continue
        layout = Layout(directory)
        init = layout.init()
        pid = init.pid if init and init.pid in processes else min(processes)
        labs.append(ForeignLab(layout.checkout, layout.name, pid, _started(proc, pid)))
    return labs


def _directory(process: Path) -> Path | None:
    """The folder of the lab that this process is the init or the supervisor of, if it is either."""
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return None
    texts = [os.fsdecode(word) for word in words]
    if _SUPERVISOR not in texts[:-1]:
        return None
    return Path(texts[texts.index(_SUPERVISOR) + 1])


def _started(proc: Path, pid: int) -> float:
    """When a process began, in seconds since 1970; 0 if it has ended."""
    try:
        ticks = int((proc / str(pid) / "stat").read_text().rpartition(")")[2].split()[19])
        lines = (proc / "stat").read_text().splitlines()
    except (OSError, ValueError, IndexError):
        return 0.0
    booted = next((int(line.split()[1]) for line in lines if line.startswith("btime ")), 0)
    return booted + ticks / os.sysconf("SC_CLK_TCK")
