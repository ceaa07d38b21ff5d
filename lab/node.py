"""One node as the lab's supervisor sees it: created, started, watched, stopped."""

import json
import os
import stat
import subprocess
import time
from collections import deque
from pathlib import Path

from . import cgroups, delegation, loops, network, spec, speed
from .kernel import Process
from .layout import Layout
from .rootfs import own
from .topology import FIRST_ID, Machine, Topology

# A healthy node has about a hundred mounts and one more per volume of a pod.
MOST_MOUNTS = 4000
# This many new kubelets within this many seconds are a crash loop: each doubles the shared mounts.
MOST_KUBELETS, KUBELET_WINDOW = 6, 180.0
# What Talos logs when it receives a reset. Source: machined, v1.12, Server.Reset.
RESET = b"reset request received"
# A node that ends by itself was to reboot, unless it ends within seconds, several times.
QUICK_END, MOST_QUICK_ENDS = 8.0, 3


class Node:
    """A Talos machine in container mode. Its volumes outlive it."""

    def __init__(
        self,
        layout: Layout,
        topology: Topology,
        machine: Machine,
        *,
        index: int,
        host: spec.Host,
        rootfs: Path,
        runc: Path,
    ) -> None:
        self.layout, self.topology, self.machine, self.index = layout, topology, machine, index
        self.host, self.rootfs, self.runc = host, rootfs, runc
        self.process: Process | None = None
        self.wanted = False
        self.trouble = ""
        self.starts = 0
        self._started_at = 0.0
        self._quick_ends = 0
        self._console_before = 0
        self._kubelets: deque[tuple[float, Process]] = deque()

    @property
    def directory(self) -> Path:
        """The node's bundle."""
        return self.layout.node(self.machine.name)

    def _run(self, *arguments: str, check: bool = True, log: bool = False) -> None:
        command = [str(self.runc), "--root", str(self.layout.runc), *arguments]
        with (self.directory / "console.log").open("ab") as console, (self.directory / "runc.log").open("ab") as errors:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=console if log else errors,
                stderr=console if log else errors,
                timeout=speed.deadline(60),
            )
        if check and done.returncode != 0:
            text = (self.directory / ("console.log" if log else "runc.log")).read_text(errors="replace")
            raise RuntimeError(f"{self.machine.name}: runc {arguments[0]} failed: {text[-600:].strip()}")

    def _prepare(self) -> None:
        files = {
            "hostname": f"{self.machine.name}\n",
            "hosts": f"127.0.0.1 localhost\n{self.machine.address} {self.machine.name}\n"
            + "".join(f"{address} {name}\n" for name, address in self.topology.hosts.items()),
            "resolv.conf": f"nameserver {self.topology.gateway}\n",
        }
        fresh = not (self.directory / "volumes").exists()
        for path in spec.VOLUMES:
            (self.directory / "volumes" / spec.volume(path)).mkdir(parents=True, exist_ok=True)
        for inside in ("containerd/bin", "containerd/lib", "cni/bin"):
            (self.directory / "volumes" / spec.volume("/opt") / inside).mkdir(parents=True, exist_ok=True)
        (self.directory / "etc").mkdir(exist_ok=True)
        self._tun()
        for name, text in files.items():
            (self.directory / "etc" / name).write_text(text)
        if self.host.user_namespace:
            own(self.directory / "etc", FIRST_ID)
            if fresh:
                own(self.directory / "volumes", FIRST_ID)
        document = spec.node(
            self.machine.name,
            directory=self.directory,
            rootfs=self.rootfs,
            host=self.host,
            cgroup=cgroups.node_path(self.layout.identity, self.machine.name),
            shared=self.layout.shared if self.host.shared else None,
            loops=loops.lent(self.layout.loops) if self.host.shared else (),
        )
        (self.directory / "config.json").write_text(json.dumps(document, indent=1))

    def _tun(self) -> None:
        """The device of the node's own by which virtual machines get their network."""
        node = self.directory / "tun"
        if not node.exists():
            os.mknod(node, stat.S_IFCHR | 0o666, os.makedev(*spec.TUN_NUMBERS))
            node.chmod(0o666)
            if self.host.user_namespace:
                os.chown(node, FIRST_ID, FIRST_ID)

    def start(self) -> None:
        """Power on: with empty volumes into maintenance mode, otherwise with what is on them."""
        if self.running:
            return
        self.clear()
        self.directory.mkdir(parents=True, exist_ok=True)
        self._prepare()
        self._console_before = size(self.directory / "console.log")
        pid_file = self.directory / "pid"
        self._run("create", "--bundle", str(self.directory), "--pid-file", str(pid_file), self.machine.name, log=True)
        pid = int(pid_file.read_text())
        cgroups.weigh(self.layout.identity)
        if self.host.user_namespace:
            cgroups.give(self.layout.identity, self.machine.name, FIRST_ID)
        network.ip(network.plug(self.machine, self.index, pid, self.topology))
        network.ip(network.address(self.machine, self.topology), netns_of=pid)
        if self.host.bpf:
            delegation.lend(pid, self.machine.name)
        self._run("start", self.machine.name)
        self.process = Process.at(pid)
        self.wanted, self.trouble = True, ""
        self.starts += 1
        self._started_at = time.monotonic()
        self._kubelets.clear()

    def stop(self) -> None:
        """Cut the power: kill the node's processes without a shutdown."""
        self.wanted = False
        self.clear()

    def clear(self) -> None:
        """Remove what a node that no longer runs left behind in the lab."""
        if (self.layout.runc / self.machine.name).exists():
            self._run("kill", self.machine.name, "KILL", check=False)
            end = time.monotonic() + speed.deadline(15)
            while self.process and self.process.alive and time.monotonic() < end:
                time.sleep(0.05)
            self._run("delete", "--force", self.machine.name, check=False)
        self.process = None
        network.ip(network.unplug(self.index, self.topology), check=False)

    @property
    def running(self) -> bool:
        """Whether the node's init runs."""
        return self.process is not None and self.process.alive

    def watch(self) -> str:
        """Look at the node once, every second or so; returns the event to report, if there is one."""
        if not self.wanted:
            return ""
        if not self.running:
            return self._ended()
        assert self.process is not None
        if trouble := self._mounts(self.process.pid) or self._kubelet(self.process.pid):
            self.stop()
            self.trouble = trouble
            return f"{self.machine.name} was stopped: {trouble}"
        return ""

    def _erased(self) -> str:
        """Empty the volumes, as a reset does a real machine's disk. Container mode only switches the node off."""
        self.stop()
        # Moved and not removed: whatever may still be mounted beneath stays as it is.
        (self.directory / "volumes").rename(self.directory / f"volumes.before-start-{self.starts + 1}")
        return f"{self.machine.name} was reset: it is off, and its volumes are empty"

    def _ended(self) -> str:
        if reset_received(self.directory / "console.log", self._console_before):
            return self._erased()
        quick = time.monotonic() - self._started_at < QUICK_END
        self._quick_ends = self._quick_ends + 1 if quick else 0
        if self._quick_ends >= MOST_QUICK_ENDS:
            self.stop()
            self.trouble = f"ended {MOST_QUICK_ENDS} times within {QUICK_END:g} s of its start; see console.log"
            return f"{self.machine.name} stays off: {self.trouble}"
        self.start()
        return f"{self.machine.name} ended and was started again, as a reboot would"

    def _mounts(self, pid: int) -> str:
        try:
            with open(f"/proc/{pid}/mountinfo", "rb") as table:
                count = sum(1 for _ in table)
        except OSError:
            return ""
        return f"it has {count} mounts, more than {MOST_MOUNTS}" if count > MOST_MOUNTS else ""

    def _kubelet(self, pid: int) -> str:
        now = time.monotonic()
        current = kubelet_in(pid)
        if current and (not self._kubelets or self._kubelets[-1][1] != current):
            self._kubelets.append((now, current))
        while self._kubelets and now - self._kubelets[0][0] > KUBELET_WINDOW:
            self._kubelets.popleft()
        if len(self._kubelets) > MOST_KUBELETS:
            return f"its kubelet started {len(self._kubelets)} times within {KUBELET_WINDOW:g} s"
        return ""


def size(file: Path) -> int:
    """The size of a file in bytes, 0 if it is missing."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def reset_received(console: Path, since: int) -> bool:
    """Whether a node logged a reset after the first `since` bytes of its console."""
    try:
        with console.open("rb") as file:
            file.seek(since)
            return RESET in file.read()
    except FileNotFoundError:
        return False


def kubelet_in(init: int, proc: Path = Path("/proc")) -> Process | None:
    """The kubelet that runs in the same process namespace as this init.

    Talos' own service keeps the namespace of the node, so pods' processes are not looked at.
    """
    try:
        home = (proc / str(init) / "ns/pid").readlink()
    except OSError:
        return None
    for entry in proc.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if (entry / "comm").read_text() == "kubelet\n" and (entry / "ns/pid").readlink() == home:
                return Process.at(int(entry.name))
        except OSError:
            continue
    return None
