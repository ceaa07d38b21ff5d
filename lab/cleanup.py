"""Ending a lab so that nothing of it is left, whoever died first; and seeing that this is so."""

import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field, fields
from pathlib import Path

from . import cgroups
from .layout import Layout
from .waiting import wait_for

# Settings of the whole machine that a kubelet or Talos writes where no user namespace stops it.
SYSCTLS = (
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/pid_max",
    "kernel/kptr_restrict",
    "kernel/dmesg_restrict",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "vm/max_map_count",
    "fs/inotify/max_user_instances",
    "fs/inotify/max_user_watches",
    "fs/file-max",
    "net/ipv4/ip_forward",
    "net/ipv4/conf/all/forwarding",
    "net/ipv6/conf/all/forwarding",
    "net/bridge/bridge-nf-call-iptables",
    "user/max_user_namespaces",
)


def stop(layout: Layout, *, volumes: bool = True) -> list[str]:
    """End the lab if it runs and remove what it left; says what it did. Doing it twice is fine."""
    said = []
    record = layout.recorded()
    if init := layout.init():
        # No goodbye to the nodes: they were told by pulling the plug, as the supervisor would.
        init.signal(signal.SIGKILL)
        wait_for(f"lab {layout.name}: its processes", lambda: not init.alive, seconds=30, every=0.05)
        said.append(f"ended lab {layout.name} (process {init.pid})")
    for command in record.get("remove", []):
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
    if record.get("remove"):
        said.append("removed its containers, their volumes and their network")
    places = [Path(path) for path in record.get("cgroups", [])] or cgroups.of_lab(layout.name)
    if any(place.exists() for place in places):
        if left := cgroups.remove(places):
            raise RuntimeError(f"lab {layout.name}: still busy: {', '.join(map(str, left))}")
        said.append("removed its cgroups")
    restore(record.get("sysctls", {}))
    if volumes and (layout.directory / "nodes").exists():
        remove_tree(layout.directory / "nodes")
        remove_tree(layout.runc)
        said.append("removed its nodes' volumes")
    for name in ("control", "init.json", "init.new"):
        (layout.directory / name).unlink(missing_ok=True)
    return said


def remove_tree(tree: Path) -> None:
    """Remove a directory that other users' files are in, also deeply nested ones."""
    if tree.exists():
        shutil.rmtree(tree)


def running(root: Path) -> list[Layout]:
    """Every lab with something left of it."""
    return [Layout(path.parent) for path in sorted((root / "lab").glob("*/init.json"))]


def sysctls() -> dict[str, str]:
    """The machine-wide settings a node could change."""
    found = {}
    for name in SYSCTLS:
        try:
            found[name] = (Path("/proc/sys") / name).read_text().strip()
        except OSError:
            continue
    return found


def restore(before: dict[str, str]) -> None:
    """Set back what changed."""
    for name, value in before.items():
        path = Path("/proc/sys") / name
        try:
            if path.read_text().strip() != value:
                path.write_text(value)
        except OSError:
            continue


NAMESPACES = ("pid", "net", "mnt", "user", "cgroup", "ipc", "uts")


def namespaces_of(init: int, proc: Path = Path("/proc")) -> set[str]:
    """The namespaces of a lab: those of its init and of all processes beneath it that this process is not in itself."""
    found: set[str] = set()
    todo = [init]
    while todo:
        pid = todo.pop()
        try:
            found |= {os.readlink(proc / str(pid) / "ns" / kind) for kind in NAMESPACES}
            for task in (proc / str(pid) / "task").iterdir():
                todo += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return found - {os.readlink(proc / "self" / "ns" / kind) for kind in NAMESPACES}


def left_in(namespaces: set[str], seconds: float = 20) -> list[str]:
    """Who is in one of these namespaces although their init is gone: number and command. A killed process takes a moment to end."""
    end = time.monotonic() + seconds
    while (found := inside(namespaces)) and time.monotonic() < end:
        time.sleep(0.2)
    return found


def inside(namespaces: set[str], proc: Path = Path("/proc")) -> list[str]:
    """Every process that is in one of these namespaces: number and command."""
    found = []
    for entry in proc.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if namespaces & {os.readlink(entry / "ns" / kind) for kind in NAMESPACES}:
                found.append(f"{entry.name} {(entry / 'comm').read_text().strip()}")
        except OSError:
            continue
    return found


def another_labs(path: str, lab: str) -> bool:
    """Whether a cgroup is of a lab other than this one."""
    owner = re.search(r"/bedplate-([^/]+)", path)
    return owner is not None and owner[1] != lab


@dataclass
class Snapshot:
    """What a lab could leave on a machine; two of them are compared before and after."""

    processes: set[str] = field(default_factory=set)
    namespaces: set[str] = field(default_factory=set)
    interfaces: set[str] = field(default_factory=set)
    mounts: set[str] = field(default_factory=set)
    cgroups: set[str] = field(default_factory=set)
    sysctls: set[str] = field(default_factory=set)

    @classmethod
    def take(cls) -> "Snapshot":
        """Look at the machine now."""
        shot = cls()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                if not command and (entry / "exe").readlink():
                    command = (entry / "comm").read_text().strip()
                shot.processes.add(f"{entry.name} {command[:120]}")
                for kind in NAMESPACES:
                    shot.namespaces.add(os.readlink(entry / "ns" / kind))
            except OSError:
                continue
        shot.interfaces = set(os.listdir("/sys/class/net"))
        shot.mounts = {line.split(" ", 3)[-1] for line in Path("/proc/self/mountinfo").read_text().splitlines()}
        # The whole tree, not only where a lab's are looked for: what was forgotten there must show here.
        for directory, names, _ in os.walk(cgroups.ROOT):
            if "/bedplate-" in directory or any(name.startswith("bedplate-") for name in names):
                shot.cgroups.update(f"{directory}/{name}" for name in names)
        shot.sysctls = {f"{name}={value}" for name, value in sysctls().items()}
        return shot

    def difference(self, after: "Snapshot", lab: str = "") -> dict[str, dict[str, list[str]]]:
        """What came and what went, by kind; empty means that nothing differs.

        lab: the one that is looked at. Others may have come or gone meanwhile, with cgroups of their own names.
        """
        found = {}
        for part in fields(self):
            before, now = getattr(self, part.name), getattr(after, part.name)
            if part.name == "cgroups" and lab:
                before, now = ({path for path in paths if not another_labs(path, lab)} for paths in (before, now))
            if before != now:
                found[part.name] = {"new": sorted(now - before), "gone": sorted(before - now)}
        return found
