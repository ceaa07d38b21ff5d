"""A setting of the whole computer that Cilium's agent needs in a user namespace, changed only while labs need it.

The kernel lets a process of a user namespace open the buffers in which BPF programs write events if
kernel.perf_event_paranoid is 0. The first lab saves what it was, and each lab holds a lock on a file of its own, which
the kernel lets go when the lab ends, however it ends. Whoever then looks first, a lab that ends or starts or
`rehearse stop`, sets back what was saved.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SETTING = Path("/proc/sys/kernel/perf_event_paranoid")
# Of the whole computer, and gone after its restart, as the setting is.
FOLDER = Path("/run/bedplate-perf-events")
NEEDED = 0


def allow(identity: str, folder: Path = FOLDER, setting: Path = SETTING) -> int:
    """Lower the setting for a lab. Returns the handle by which the lab counts as running until it is closed.

    Raises OSError if the setting can't be changed.
    """
    with _only_one(folder):
        _settle(folder, setting)
        handle = os.open(folder / f"lab-{identity}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        now = int(setting.read_text())
        if now > NEEDED:
            (folder / "before").write_text(f"{now}\n")
            setting.write_text(f"{NEEDED}\n")
    return handle


def settle(ending: str = "", folder: Path = FOLDER, setting: Path = SETTING) -> None:
    """Set back what was saved, unless a lab still needs it. ending: the lab that is about to end."""
    if folder.exists():
        with _only_one(folder):
            _settle(folder, setting, ending)


def used(folder: Path = FOLDER) -> bool:
    """Whether a running lab needs the setting."""
    return any(_held(file) for file in folder.glob("lab-*"))


def _settle(folder: Path, setting: Path, ending: str = "") -> None:
    running = False
    for file in sorted(folder.glob("lab-*")):
        if file.name != f"lab-{ending}" and _held(file):
            running = True
        else:
            file.unlink(missing_ok=True)
    if running:
        return
    with suppress(OSError, ValueError):
        setting.write_text(f"{int((folder / 'before').read_text())}\n")
    (folder / "before").unlink(missing_ok=True)


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
