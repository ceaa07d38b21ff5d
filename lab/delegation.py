"""BPF for a node in a user namespace: a BPF file system whose right to load programs the computer's root lends.

`python -m lab.delegation PID` makes it for the node whose init has this number, between its creation and its start. A
process of the node opens the file system, this computer's root allows it everything (BPF tokens), and the process
mounts it. All programs and maps that the node loads end with it.
"""

import ctypes
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from . import speed
from .kernel import NEWCGROUP, NEWNS, NEWUSER, mount, setns, unshare
from .topology import FIRST_ID

CHECKOUT = Path(__file__).resolve().parent.parent
# Where a node has them. Cilium's chart looks for version 2 of cgroups there if Talos has version 1.
FILES, CGROUP = "/sys/fs/bpf", "/run/cilium/cgroupv2"

_MS_SHARED = 1 << 20
# Source: arch/x86/entry/syscalls/syscall_64.tbl of Linux; rehearsals run on x86-64 alone.
_BPF, _MOVE_MOUNT, _FSOPEN, _FSCONFIG, _FSMOUNT = 321, 429, 430, 431, 432
# Source: include/uapi/linux/mount.h and bpf.h.
_SET_STRING, _CREATE, _EMPTY_PATH, _TOKEN_CREATE = 1, 6, 4, 36
_LENT = ("delegate_cmds", "delegate_maps", "delegate_progs", "delegate_attachs")

_libc = ctypes.CDLL(None, use_errno=True)


def _call(what: str, number: int, *arguments: object) -> int:
    result = int(_libc.syscall(number, *arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def lend(pid: int, name: str) -> None:
    """Do so for the node of this name, in a process of its own: one with threads can't enter a user namespace.

    Raises RuntimeError with what was refused.
    """
    command = [sys.executable, "-m", "lab.delegation", str(pid)]
    done = subprocess.run(
        command, cwd=CHECKOUT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=speed.deadline(30)
    )
    if done.returncode != 0:
        raise RuntimeError(f"{name}: it can't be lent BPF: {done.stderr.strip()[-600:]}")


def provide(pid: int) -> None:
    """Mount a lent BPF file system and version 2 of cgroups in a node. Raises OSError with what was refused."""
    handles = [os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY) for kind in ("user", "mnt", "cgroup", "net")]

    def enter() -> None:
        for handle in handles:
            setns(handle)
        os.setgroups([])
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)

    def use(files: int) -> None:
        _call("move_mount", _MOVE_MOUNT, files, b"", -100, FILES.encode(), _EMPTY_PATH)
        os.makedirs(CGROUP, exist_ok=True)
        mount("cgroup2", CGROUP, "cgroup2")
        for path in (FILES, CGROUP):
            # Pods mount them with propagation.
            mount("", path, flags=_MS_SHARED)

    _lent(enter, use)


def refused() -> str:
    """Why this computer can't lend BPF to a user namespace, in the kernel's own words; empty if it can."""
    if not Path("/sys/kernel/btf/vmlinux").exists():
        return "the kernel has no description of its types (CONFIG_DEBUG_INFO_BTF)"

    def use(files: int) -> None:
        # The root of the mount as a file: a token is made of an open BPF file system.
        root = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=files)
        _call("BPF_TOKEN_CREATE", _BPF, _TOKEN_CREATE, (ctypes.c_uint32 * 2)(0, root), 8)
        unshare(NEWCGROUP)
        mount("cgroup2", "/proc", "cgroup2")

    try:
        _lent(lambda: unshare(NEWUSER | NEWNS), use)
    except OSError as error:
        return str(error.strerror)
    return ""


def _lent(enter: Callable[[], None], use: Callable[[int], None]) -> None:
    """Have a child enter a user namespace, lend it a BPF file system, and have it use its open mount.

    Raises OSError with the first call that the kernel refused, in the child or here.
    """
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        # Otherwise it would wait for itself where the other side gives up.
        ours.close()
        try:
            enter()
            files = _call("fsopen bpf", _FSOPEN, b"bpf", 0)
            socket.send_fds(theirs, [b"f"], [files])
            if theirs.recv(1) == b"g":
                use(_call("fsmount bpf", _FSMOUNT, files, 0, 0))
                theirs.send(b"k")
        except OSError as error:
            theirs.send(f"e{error.errno} {error.strerror}".encode())
        finally:
            os._exit(0)
    theirs.close()
    try:
        first, handles, *_ = socket.recv_fds(ours, 400, 1)
        if handles:
            _map(child)
            for name in _LENT:
                _call(f"fsconfig bpf {name}", _FSCONFIG, handles[0], _SET_STRING, name.encode(), b"any", 0)
            _call("fsconfig bpf", _FSCONFIG, handles[0], _CREATE, None, None, 0)
            ours.send(b"g")
            first = ours.recv(400)
    finally:
        ours.close()
        os.waitpid(child, 0)
    if first != b"k":
        code, _, text = first.decode(errors="replace").removeprefix("e").partition(" ")
        raise OSError(int(code or 0), text or "the process in the user namespace ended")


def _map(pid: int) -> None:
    """Give a new user namespace its users, unless it has them."""
    for file in ("uid_map", "gid_map"):
        path = Path(f"/proc/{pid}/{file}")
        if not path.read_text().strip():
            path.write_text(f"0 {FIRST_ID} 65536\n")


if __name__ == "__main__":
    try:
        provide(int(sys.argv[1]))
    except OSError as refusal:
        sys.exit(str(refusal.strerror))
