"""Settings of the whole computer that a node could change, and setting them back."""

from collections.abc import Iterable
from pathlib import Path

# What a kubelet or Talos writes where no user namespace stops it.
NAMES = (
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/pid_max",
    "kernel/kptr_restrict",
    "kernel/dmesg_restrict",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "vm/max_map_count",
    "fs/inotify/max_user_watches",
    "fs/file-max",
    "net/ipv4/ip_forward",
    "net/ipv4/conf/all/forwarding",
    "net/ipv6/conf/all/forwarding",
    "net/bridge/bridge-nf-call-iptables",
    "user/max_user_namespaces",
)

# What labs change on purpose, and set back by lab/borrowed.py.
BORROWED = (
    "kernel/perf_event_paranoid",
    "fs/inotify/max_user_instances",
    "kernel/keys/maxkeys",
    "kernel/keys/maxbytes",
)
FOLDER = Path("/proc/sys")


def read(names: Iterable[str] = NAMES) -> dict[str, str]:
    """The settings that this computer has: name to value."""
    values = {}
    for name in names:
        try:
            values[name] = (FOLDER / name).read_text().strip()
        except OSError:
            continue
    return values


def restore(before: dict[str, str]) -> None:
    """Set back what changed."""
    for name, value in before.items():
        path = FOLDER / name
        try:
            if path.read_text().strip() != value:
                path.write_text(value)
        except OSError:
            continue
