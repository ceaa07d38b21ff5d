"""What this computer has and lacks for a rehearsal, one line each, before anything is started."""

import os
import platform
import resource
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import capabilities, cgroups, delegation, kernel, spec
from .spec import Host
from .topology import FIRST_ID, IDS

TALOS_OPEN_FILES = 1_048_576
NODE_MEMORY, BASE_MEMORY = 1200, 1500  # MB, measured: a control plane; the lab, the engine and its plugins
KUBEVIRT_MEMORY, VM_MEMORY = 1100, 450  # MB, measured: KubeVirt's programs; a small guest with its launcher


@dataclass(frozen=True)
class Finding:
    """The result of one check. If it is not `ok`, a `fatal` one stops a rehearsal; others change how it runs."""

    ok: bool
    text: str
    fatal: bool = True

    def __str__(self) -> str:
        return f"{'ok  ' if self.ok else 'LACK' if self.fatal else 'note'} {self.text}"


def _program(name: str, package: str, why: str, *, fatal: bool = True) -> Finding:
    program = shutil.which(name)
    if program:
        return Finding(True, f"{name}: {program}", fatal)
    return Finding(False, f"{name} is not here, {why}: install the package {package}", fatal)


def _filesystem(name: str, why: str) -> Finding:
    supported = {line.split()[-1] for line in Path("/proc/filesystems").read_text().splitlines()}
    return Finding(name in supported, f"kernel: {name}, {why}")


def _namespaces() -> Finding:
    absent = [
        kind
        for kind in ("pid", "net", "mnt", "user", "ipc", "uts", "cgroup")
        if not Path(f"/proc/self/ns/{kind}").exists()
    ]
    return Finding(not absent, f"kernel: namespaces {'all there' if not absent else 'missing: ' + ', '.join(absent)}")


def _user_namespaces() -> Finding:
    try:
        most = int(Path("/proc/sys/user/max_user_namespaces").read_text())
    except OSError:
        most = 0
    ids = Path("/proc/self/uid_map").read_text().split()
    enough = most > 0 and len(ids) == 3 and int(ids[2]) >= FIRST_ID + IDS
    return Finding(
        enough, f"user namespaces: {most} allowed, ids up to {FIRST_ID + IDS} needed (nodes run in one here)"
    )


def memory(nodes: int, vms: int | None = None) -> int:
    """Megabytes that a lab needs. vms: the number of virtual machines; None without KubeVirt."""
    virtual = 0 if vms is None else KUBEVIRT_MEMORY + VM_MEMORY * vms
    return BASE_MEMORY + NODE_MEMORY * nodes + virtual


def _bpf() -> Finding:
    refusal = delegation.refused()
    if refusal:
        return Finding(False, f"kernel: no BPF for nodes ({refusal}), so a stand-in replaces Cilium", fatal=False)
    return Finding(True, "kernel: BPF for nodes, which Cilium needs", fatal=False)


def _memory(nodes: int, vms: int | None) -> Finding:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            free, need = int(line.split()[1]) // 1024, memory(nodes, vms)
            what = f"{nodes} nodes" + (f" and {vms} virtual machines" if vms is not None else "")
            return Finding(free >= need, f"memory: {free} MB available, about {need} MB needed for {what}")
    return Finding(True, "memory: not known")


def needs_user_namespace(may: Callable[[int], bool] = kernel.may) -> bool:
    """Whether the computer lacks what Talos needs, so that its nodes get a user namespace."""
    return not (may(kernel.CAP_SYS_RESOURCE) and cgroups.version_2())


def host(contained: bool = False) -> Host:
    """What nodes can get on this computer. contained: a container runtime runs them, without a user namespace."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    return Host(
        open_files=TALOS_OPEN_FILES if kernel.may(kernel.CAP_SYS_RESOURCE) else min(hard, TALOS_OPEN_FILES),
        devices=tuple(path for path in spec.DEVICES if os.path.exists(path)),
        missing=capabilities.missing(kernel.capabilities(), last),
        cgroup_v2=cgroups.version_2(),
        user_namespace=needs_user_namespace() and not contained,
    )


def examine(nodes: int = 1, contained: bool = False, vms: int | None = None) -> list[Finding]:
    """Check everything that a rehearsal of this many nodes needs.

    contained: a container runtime does the rest. vms: the number of virtual machines; None without KubeVirt.
    """
    if contained:
        return [
            Finding(platform.machine() == "x86_64", f"processor: {platform.machine()}; images are made for x86_64"),
            _program("nsenter", "util-linux", "it runs the engine beside the lab"),
            _memory(nodes, vms),
        ]
    release = tuple(int(part) for part in platform.release().split("-")[0].split(".")[:2])
    findings = [
        Finding(os.geteuid() == 0, "root: needed to make namespaces, a bridge and mounts"),
        Finding(
            kernel.may(kernel.CAP_SYS_ADMIN) and kernel.may(kernel.CAP_NET_ADMIN),
            "capabilities: SYS_ADMIN and NET_ADMIN, to make namespaces and a bridge",
        ),
        Finding(platform.machine() == "x86_64", f"processor: {platform.machine()}; images are made for x86_64"),
        Finding(release >= (5, 13), f"kernel: {platform.release()}; 5.13 or newer for overlays in a user namespace"),
        _namespaces(),
        _filesystem("overlay", "for containers' layers"),
        _filesystem("cgroup2" if cgroups.version_2() else "cgroup", "for the kubelet"),
        _program("ip", "iproute2", "it makes the bridge"),
        _program("nsenter", "util-linux", "it runs the engine inside the lab"),
        _program("nft", "nftables", "kube-proxy needs it, so services would have no addresses", fatal=False),
        Finding(os.path.exists("/dev/kmsg"), "device: /dev/kmsg, which the kubelet opens"),
        _memory(nodes, vms),
        Finding(
            kernel.may(kernel.CAP_SYS_RESOURCE),
            "capability: SYS_RESOURCE (without it, nodes run in a user namespace, and no OOM score is set)",
            fatal=False,
        ),
        Finding(
            cgroups.version_2(),
            "cgroups: version 2 (on version 1, the lab sets failCgroupV1: false for its kubelets)",
            fatal=False,
        ),
    ]
    if needs_user_namespace():
        findings += [_user_namespaces(), _bpf()]
    return findings
