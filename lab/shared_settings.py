"""Settings of the whole computer that labs need otherwise, changed only while a lab runs that needs them.

The first lab saves what they were, and each lab holds a lock on a file of its own, which the kernel lets go when the
lab ends, however it ends. Whoever then looks first, a lab that ends or starts or `rehearse stop`, sets back what was
saved.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_KERNEL = Path("/proc/sys/kernel")
# Of the whole computer, and gone after its restart, as the settings are.
_RUN = Path("/run")


@dataclass(frozen=True)
class Shared:
    """Some settings with one purpose."""

    folder: Path
    wanted: Mapping[Path, int]
    """Each file of a setting, and the value that is enough."""
    lower: bool = False
    """Whether a lower value than this is enough too, and not a higher one."""

    def hold(self, identity: str) -> int:
        """Change the settings for a lab. Returns the handle by which it counts as running until it is closed.

        Raises OSError if a setting can't be changed.
        """
        with self._only_one():
            self._settle()
            handle = os.open(self.folder / f"lab-{identity}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for file, value in self.wanted.items():
                now = int(file.read_text())
                if now > value if self.lower else now < value:
                    self._save(file, now)
                    file.write_text(f"{value}\n")
        return handle

    def settle(self, ending: str = "") -> None:
        """Set back what was saved, unless a lab still needs it. ending: the lab that is about to end."""
        if self.folder.exists():
            with self._only_one():
                self._settle(ending)

    def used(self) -> bool:
        """Whether a running lab needs them."""
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
        for name, value in self._saved().items():
            with suppress(OSError):
                Path(name).write_text(f"{value}\n")
        (self.folder / "before").unlink(missing_ok=True)

    def _saved(self) -> dict[str, int]:
        """What each setting was that was changed."""
        try:
            saved: dict[str, int] = json.loads((self.folder / "before").read_text())
        except (OSError, ValueError):
            return {}
        return saved

    def _save(self, file: Path, was: int) -> None:
        (self.folder / "before").write_text(json.dumps({str(file): was, **self._saved()}))

    @contextmanager
    def _only_one(self) -> Iterator[None]:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        with open(self.folder / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


# The kernel lets a process of a user namespace open the buffers in which BPF programs write events only with this.
PERF_EVENTS = Shared(_RUN / "bedplate-settings-perf-events", {_KERNEL / "perf_event_paranoid": 0}, lower=True)
# runc makes a keyring for each container. Nodes in user namespaces have the same user on this computer, who may have
# 200 keys: as many as there are containers in two labs.
KEYRINGS = Shared(
    _RUN / "bedplate-settings-keyrings", {_KERNEL / "keys/maxkeys": 20_000, _KERNEL / "keys/maxbytes": 2_000_000}
)
ALL = (PERF_EVENTS, KEYRINGS)
NAMES = tuple(str(file.relative_to("/proc/sys")) for each in ALL for file in each.wanted)
"""Each setting, as lab.sysctls names it."""


def hold(identity: str, *, keyrings: bool, bpf: bool) -> None:
    """Change what a lab needs, until the process ends. Raises OSError if BPF's setting can't be changed.

    keyrings: whether its nodes are in user namespaces. bpf: whether Cilium runs there.
    """
    if keyrings:
        # A small lab does without, where the computer does not let its settings be changed.
        with suppress(OSError):
            KEYRINGS.hold(identity)
    if bpf:
        PERF_EVENTS.hold(identity)


def settle(ending: str = "") -> None:
    """Set back all that no lab needs any more. ending: the lab that is about to end."""
    for each in ALL:
        each.settle(ending)


def used() -> bool:
    """Whether a running lab needs one of them."""
    return any(each.used() for each in ALL)


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
