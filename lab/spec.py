"""The OCI runtime document of one node: a pure function of the machine and of what the host allows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from .capabilities import CAPABILITIES
from .topology import FIRST_ID, IDS

# The paths of Talos that must outlive a restart of the node. Each is one directory of the lab.
VOLUMES = ("/var", "/system/state", "/etc/cni", "/etc/kubernetes", "/usr/libexec/kubernetes", "/opt")

# A node may never load modules into the host's kernel or set its clock. A real machine's node does both.
NEVER = frozenset({"CAP_SYS_MODULE", "CAP_SYS_TIME"})

# Settings of the whole computer. Without a user namespace the node's root could write them.
READ_ONLY = (
    *(f"/proc/sys/{part}" for part in ("kernel", "vm", "fs", "user", "dev", "debug", "abi")),
    "/proc/sysrq-trigger",
)

DEVICES: Mapping[str, tuple[int, int]] = {"/dev/kmsg": (1, 11), "/dev/fuse": (10, 229)}
# The root of a user namespace may not open the computer's own node of it, so a node gets one that everyone may open.
TUN, TUN_NUMBERS = "/dev/net/tun", (10, 200)


@dataclass(frozen=True, kw_only=True)
class Host:
    """What the computer under the lab allows its containers: open files, devices, capabilities, namespaces."""

    open_files: int
    devices: tuple[str, ...]
    # Capabilities that no process here can have.
    missing: frozenset[str] = frozenset()
    cgroup_v2: bool = False
    user_namespace: bool = True
    bpf: bool = False
    """Whether nodes get BPF of their own, which real Cilium needs."""
    shared: bool = False
    """Whether nodes share a folder and loop devices, which the lab's storage driver needs."""


SHARED = "/var/mnt/lab-shared"
"""Where every node has the folder that they share."""


def volume(path: str) -> str:
    """The directory that holds a volume."""
    return path.strip("/").replace("/", "-")


def _mounts(directory: PurePath, shared: PurePath | None, loops: Sequence[PurePath]) -> list[dict[str, Any]]:
    quiet = ["nosuid", "noexec", "nodev"]

    def kernel(target: str, kind: str, options: list[str], source: str = "") -> dict[str, Any]:
        return {"destination": target, "type": kind, "source": source or kind, "options": options}

    def bind(target: str, source: PurePath) -> dict[str, Any]:
        return {"destination": target, "type": "bind", "source": str(source), "options": ["rbind", "rw"]}

    def device(target: str, source: PurePath) -> dict[str, Any]:
        return {"destination": target, "type": "bind", "source": str(source), "options": ["bind", "rw"]}

    return [
        kernel("/proc", "proc", quiet),
        kernel("/dev", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
        kernel("/dev/pts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
        kernel("/dev/shm", "tmpfs", [*quiet, "mode=1777", "size=65536k"], "shm"),
        kernel("/dev/mqueue", "mqueue", quiet),
        kernel("/sys", "sysfs", quiet),
        kernel("/sys/fs/cgroup", "cgroup", [*quiet, "rw"]),
        *(kernel(path, "tmpfs", ["nosuid", "nodev", "mode=755"]) for path in ("/run", "/system", "/tmp")),
        *(bind(path, directory / "volumes" / volume(path)) for path in VOLUMES),
        *(bind(f"/etc/{name}", directory / "etc" / name) for name in ("hostname", "hosts", "resolv.conf")),
        device(TUN, directory / "tun"),
        *([bind(SHARED, shared)] if shared else ()),
        *(device(f"/dev/{loop.name}", loop) for loop in loops),
    ]


def _process(name: str, host: Host) -> dict[str, Any]:
    """The init of the node `name`: Talos, with every capability that it may hold here."""
    held = [capability for capability in CAPABILITIES if capability not in NEVER | host.missing]
    return {
        "terminal": False,
        "user": {"uid": 0, "gid": 0},
        "args": ["/sbin/init"],
        "cwd": "/",
        "env": [
            "PLATFORM=container",
            "TALOSSKU=rehearsal",
            "PATH=/usr/bin:/usr/sbin:/bin:/sbin",
            f"HOSTNAME={name}",
        ],
        "capabilities": dict.fromkeys(("bounding", "effective", "permitted"), held),
        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": host.open_files, "soft": host.open_files}],
        "noNewPrivileges": False,
    }


def node(
    name: str,
    *,
    directory: PurePath,
    rootfs: PurePath,
    cgroup: str,
    host: Host,
    shared: PurePath | None = None,
    loops: Sequence[PurePath] = (),
) -> dict[str, Any]:
    """The runtime document of the node `name`, whose files are under `directory`.

    The network namespace is made with the container, not joined: inside a user namespace the node
    must own it, or Talos could not set addresses. The lab moves the node's interface in between
    `create` and `start`.
    """
    linux: dict[str, Any] = {
        "cgroupsPath": cgroup,
        "resources": {"devices": [{"allow": True, "access": "rwm"}]},
        "devices": [
            {"path": path, "type": "c", "major": major, "minor": minor, "fileMode": 0o600, "uid": 0, "gid": 0}
            for path, (major, minor) in DEVICES.items()
            if path in host.devices
        ],
        "namespaces": [{"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount", "cgroup")],
        "rootfsPropagation": "private",
        "readonlyPaths": list(READ_ONLY),
        "maskedPaths": [],
    }
    if host.user_namespace:
        mapping = [{"containerID": 0, "hostID": FIRST_ID, "size": IDS}]
        linux["namespaces"].append({"type": "user"})
        linux |= {"uidMappings": mapping, "gidMappings": mapping}
    return {
        "ociVersion": "1.2.0",
        "hostname": name,
        "root": {"path": str(rootfs), "readonly": True},
        "mounts": _mounts(directory, shared, loops),
        "process": _process(name, host),
        "linux": linux,
    }
