"""Loop devices of a lab's own, which its nodes may open: the block devices of a storage driver."""

import errno
import fcntl
import os
import stat
from contextlib import suppress
from functools import partial
from pathlib import Path

from .waiting import wait_for

# Source: Linux, include/uapi/linux/loop.h and Documentation/admin-guide/devices.txt.
_CLEAR, _ADD, _REMOVE = 0x4C01, 0x4C80, 0x4C81
_MAJOR = 7
CONTROL = Path("/dev/loop-control")
# Below are those that the computer itself uses.
_FIRST, _LAST = 1000, 4000
COUNT = 16
"""How many a lab has. A block volume in use takes two on its node: the driver's, and the kubelet's lock."""


def lend(folder: Path, owner: int, count: int = COUNT, control: Path = CONTROL) -> list[Path]:
    """Make loop devices, and a node of each in `folder` that every user may open; returns the nodes.

    owner: who the nodes belong to. Empty where the computer has no loop devices to give.
    """
    try:
        handle = os.open(control, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return []
    made: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(_FIRST, _LAST):
            if len(made) == count:
                break
            with suppress(FileExistsError):
                fcntl.ioctl(handle, _ADD, number)
                made.append(_node(folder, number, owner))
    finally:
        os.close(handle)
    return made


def _node(folder: Path, number: int, owner: int) -> Path:
    node = folder / f"loop{number}"
    node.unlink(missing_ok=True)
    os.mknod(node, stat.S_IFBLK | 0o600, os.makedev(_MAJOR, number))
    os.chown(node, owner, owner)
    # What a node's pods get is this file, whose owner they can't change.
    node.chmod(0o666)
    return node


def lent(folder: Path) -> list[Path]:
    """The nodes of what was lent."""
    return sorted(folder.glob("loop[0-9]*"))


def take_back(folder: Path, control: Path = CONTROL) -> int:
    """Remove the devices of which `folder` has nodes, also those that a killed lab left; returns how many.

    Raises Timeout while a process holds one open.
    """
    nodes = lent(folder)
    if nodes:
        wait_for("loop devices to be closed", partial(_all_removed, folder, control), seconds=20, every=0.2)
    return len(nodes)


def _all_removed(folder: Path, control: Path) -> bool:
    # One device can be the file behind another, so all are detached before any is removed.
    nodes = lent(folder)
    for node in nodes:
        with suppress(OSError):
            # Not attached, or gone.
            _call(node, _CLEAR)
    for node in nodes:
        try:
            _call(control, _REMOVE, int(node.name.removeprefix("loop")))
        except OSError as refused:
            if refused.errno == errno.EBUSY:
                continue
            # Removed by a run that was killed before its node was.
            if refused.errno != errno.ENODEV:
                raise
        node.unlink()
    return not lent(folder)


def _call(path: Path, request: int, argument: int = 0) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.ioctl(handle, request, argument)
    finally:
        os.close(handle)
