"""The few kernel calls that the rehearsal needs and Python's standard library does not have yet."""

import ctypes
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

NEWNS, NEWCGROUP, NEWUTS, NEWIPC = 0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000
NEWUSER, NEWPID, NEWNET = 0x1000_0000, 0x2000_0000, 0x4000_0000
MS_REC, MS_PRIVATE = 0x4000, 0x4_0000
MS_NOSUID, MS_NODEV, MS_NOEXEC = 2, 4, 8
PR_SET_PDEATHSIG = 1
CAP_SYS_ADMIN, CAP_NET_ADMIN, CAP_SYS_RESOURCE = 21, 12, 24

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def unshare(flags: int) -> None:
    """Leave the given namespaces for new ones. Raises OSError if the kernel refuses."""
    _check(_libc.unshare(flags), "unshare")


def setns(handle: int) -> None:
    """Let the calling thread enter the namespace of this open file. Raises OSError if the kernel refuses."""
    _check(_libc.setns(handle, 0), "setns")


def mount(source: str, target: str, fstype: str = "", flags: int = 0, data: str = "") -> None:
    """Call mount(2). Raises OSError if the kernel refuses."""
    arguments = (source.encode(), target.encode(), fstype.encode() or None, flags, data.encode() or None)
    _check(_libc.mount(*arguments), f"mount {target}")


def die_with_parent(signal: int = 9) -> None:
    """Have the kernel end this process when the thread that started it ends. Raises OSError if the kernel refuses."""
    _check(_libc.prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0), "prctl")


def capabilities(which: str = "CapBnd") -> int:
    """The capabilities that this process holds (CapEff) or can ever hold (CapBnd): bit n for capability n."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(which + ":"):
            return int(line.split()[1], 16)
    return 0


def may(capability: int) -> bool:
    """Whether a process started here can hold this capability."""
    return bool(capabilities() >> capability & 1)


@dataclass(frozen=True)
class Process:
    """One process: its number and its start, because numbers are used again."""

    pid: int
    started: int

    @classmethod
    def at(cls, pid: int) -> "Process | None":
        """The process that has this number now."""
        try:
            raw = Path(f"/proc/{pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return None
        # The name in parentheses may hold anything, so count from the last one.
        fields = raw.rpartition(")")[2].split()
        return None if fields[0] in "ZX" else cls(pid, int(fields[19]))

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        return Process.at(self.pid) == self

    def signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.alive:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


def descendants(root: int, proc: Path = Path("/proc")) -> list[int]:
    """The numbers of a process and of every process beneath it, from the kernel's own lists."""
    pids, todo = [], [root]
    while todo:
        pid = todo.pop()
        pids.append(pid)
        try:
            for task in (proc / str(pid) / "task").iterdir():
                todo += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return pids
