"""Settings of the whole computer that nodes in user namespaces need, changed only while labs need them.

The first lab saves what a setting was, and each lab holds a lock on a file of its own, which the kernel lets go when
the lab ends, however it ends. Whoever then looks first, a lab that ends or starts or `rehearse stop`, sets back what
was saved.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Setting:
    """A number of the kernel, and what nodes need it to be."""

    path: Path
    folder: Path
    """Who needs it, and what it was: of the whole computer, and gone after its restart, as the setting is."""
    enough: Callable[[int], bool]
    """Whether nodes can do with a value."""
    needed: int

    def borrow(self, identity: str) -> int:
        """Change the setting for a lab. Returns the handle by which the lab counts as running until it is closed.

        Raises OSError if the setting can't be changed.
        """
        with _only_one(self.folder):
            self._settle()
            handle = os.open(self.folder / f"lab-{identity}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            now = int(self.path.read_text())
            if not self.enough(now):
                (self.folder / "before").write_text(f"{now}\n")
                self.path.write_text(f"{self.needed}\n")
        return handle

    def settle(self, ending: str = "") -> None:
        """Set back what was saved, unless a lab still needs it. ending: the lab that is about to end."""
        if self.folder.exists():
            with _only_one(self.folder):
                self._settle(ending)

    def used(self) -> bool:
        """Whether a running lab needs the setting."""
        return any(_held(file) for file in self.folder.glob("lab-*"))

    def _settle(self, ending: str = "") -> None:
        running = False
        for file in sorted(self.folder.glob("lab-*")):
            if file.name != f"lab-{ending}" and _held(file):
                running = True
            else:
                file.unlink(missing_ok=True)
        if running:
            return
        with suppress(OSError, ValueError):
            self.path.write_text(f"{int((self.folder / 'before').read_text())}\n")
        (self.folder / "before").unlink(missing_ok=True)


# The kernel lets a process of a user namespace open the buffers in which BPF programs write events, which Cilium's
# agent does, if this is 0 or less.
PERF_EVENTS = Setting(
    path=Path("/proc/sys/kernel/perf_event_paranoid"),
    folder=Path("/run/bedplate-perf-events"),
    enough=lambda value: value <= 0,
    needed=0,
)
# The nodes of all labs share one user of this computer, and a node needs about 60 of the usual 128: the kubelet of the
# third ends with `inotify_init: too many open files`.
INOTIFY = Setting(
    path=Path("/proc/sys/fs/inotify/max_user_instances"),
    folder=Path("/run/bedplate-inotify"),
    enough=lambda value: value >= 8192,
    needed=8192,
)
# runc makes a keyring for each container, and that user may have 200 of 20,000 bytes together: as many as there are
# containers in two labs. The next one ends with `unable to create session key: disk quota exceeded`.
KEYRINGS = Setting(
    path=Path("/proc/sys/kernel/keys/maxkeys"),
    folder=Path("/run/bedplate-keyrings"),
    enough=lambda value: value >= 20_000,
    needed=20_000,
)
KEYRING_BYTES = Setting(
    path=Path("/proc/sys/kernel/keys/maxbytes"),
    folder=Path("/run/bedplate-keyring-bytes"),
    enough=lambda value: value >= 2_000_000,
    needed=2_000_000,
)
SETTINGS = (PERF_EVENTS, INOTIFY, KEYRINGS, KEYRING_BYTES)
OF_NODES = (INOTIFY, KEYRINGS, KEYRING_BYTES)
"""What every lab needs."""


def settle(ending: str = "") -> None:
    """Set back every setting that no lab needs any longer. ending: the lab that is about to end."""
    for setting in SETTINGS:
        setting.settle(ending)


def used() -> bool:
    """Whether a running lab needs any of the settings."""
    return any(setting.used() for setting in SETTINGS)


def _held(file: Path) -> bool:
    try:
        handle = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    folder.mkdir(mode=0o700, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
