"""The read-only root of every node, made from built binaries and laid out as Talos' own image."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .locks import exclusive
from .topology import FIRST_ID

AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
# Part of the directory's name: raise it when the code below builds something else.
_LAYOUT = 4

_DIRECTORIES = [
    "usr/bin",
    "usr/lib/firmware",
    "usr/lib/modules",
    "usr/etc",
    "usr/libexec/kubernetes",
    "usr/share/spdx",
    "usr/share/zoneinfo/Etc",
    "usr/local/bin",
    "usr/local/sbin",
    "usr/local/share",
    "usr/local/lib/kubelet/credentialproviders",
    "usr/local/lib/containers",
    "boot/EFI",
    "dev",
    "proc",
    "sys",
    "run",
    "tmp",
    "var",
    "system",
    "opt",
    "mnt",
    "root",
    "home",
    ".extra",
    "etc/iscsi",
    "etc/nvme",
    "etc/cri/conf.d/hosts",
    "etc/kubernetes/manifests",
    "etc/cni/net.d",
    "etc/ssl/certs",
    "etc/containerd",
    "etc/lvm",
    "etc/selinux/targeted/contexts/files",
]

# Talos mounts its own versions over these, so they must exist.
_EMPTY = [
    "etc/extensions.yaml",
    "etc/resolv.conf",
    "etc/hosts",
    "etc/hostname",
    "etc/machine-id",
    "etc/cri/conf.d/cri.toml",
    "etc/cri/conf.d/01-registries.part",
    "etc/cri/conf.d/20-customization.part",
    "etc/cri/conf.d/base-spec.json",
    "etc/selinux/targeted/contexts/files/file_contexts",
    "etc/iscsi/initiatorname.iscsi",
    "etc/nvme/hostid",
    "etc/nvme/hostnqn",
]

_LINKS = {
    "bin": "usr/bin",
    "sbin": "usr/bin",
    "usr/sbin": "bin",
    "lib": "usr/lib",
    "lib64": "usr/lib",
    "etc/localtime": "/usr/share/zoneinfo/Etc/UTC",
    "etc/ssl/certs/ca-certificates": "ca-certificates.crt",
    "etc/pki": "/etc/ssl",
    "etc/ca-certificates": "/etc/ssl",
    "usr/share/ca-certificates": "/etc/ssl",
    "usr/local/share/ca-certificates": "/etc/ssl",
}

# Files of the Talos source tree that its image carries as they are.
_TALOS_FILES = {
    "containerd.toml": "etc/containerd/config.toml",
    "cri-containerd.toml": "etc/cri/containerd.toml",
    "cri-plugin.part": "etc/cri/conf.d/00-base.part",
    "lvm.conf": "etc/lvm/lvm.conf",
    "nfsmount.conf": "etc/nfsmount.conf",
    "UTC": "usr/share/zoneinfo/Etc/UTC",
}


def build(parent: Path, binaries: Mapping[str, Path], *, talos: str, user_namespace: bool) -> Path:
    """The root file system of a node in a container, made once and kept under a name that says what is in it."""
    wanted = programs(binaries)
    if user_namespace:
        wanted |= {"runc.real": wanted.pop("runc"), "runc": binaries["lab-tools"]}

    def make(fresh: Path) -> None:
        lay(fresh, wanted, binaries, talos)
        (fresh / "usr/etc/in-container").write_text("true\n")
        if user_namespace:
            own(fresh, FIRST_ID)

    return kept(parent, ["container", talos, user_namespace, *marks(wanted)], make)


def programs(binaries: Mapping[str, Path]) -> dict[str, Path]:
    """The programs that Talos' own image has in /usr/bin: name to path."""
    return {
        "init": binaries["machined"],
        **{name: binaries[name] for name in ("containerd", "containerd-shim-runc-v2", "runc")},
    }


def marks(wanted: Mapping[str, Path]) -> list[Any]:
    """What identifies these files: name, path, bytes and nanoseconds of the last change of each."""
    return [
        (name, str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns)
        for name, path in sorted(wanted.items())
    ]


def kept(parent: Path, facts: list[Any], make: Callable[[Path], None], kind: str = "rootfs") -> Path:
    """The path of what `make` built for these facts, built once. What a killed run leaves is never used.

    parent: the folder in which it is kept. make: called with the path at which it makes a file or a folder.
    """
    key = hashlib.sha256(json.dumps([_LAYOUT, facts]).encode()).hexdigest()[:16]
    place = parent / f"{kind}-{key}"
    with exclusive(parent / f".{kind}-{key}.lock"):
        if not place.exists():
            fresh = parent / f".{kind}-{key}.new"
            # What a killed run left.
            shutil.rmtree(fresh) if fresh.is_dir() else fresh.unlink(missing_ok=True)
            make(fresh)
            fresh.replace(place)
    return place


def lay(fresh: Path, wanted: Mapping[str, Path], binaries: Mapping[str, Path], talos: str) -> None:
    """Make the tree at `fresh`. wanted: the programs in /usr/bin, by name. talos: the release that it names."""
    for directory in _DIRECTORIES:
        (fresh / directory).mkdir(parents=True, exist_ok=True)
    for link, target in _LINKS.items():
        (fresh / link).symlink_to(target)
    for name in _EMPTY:
        (fresh / name).touch()
    for name, source in wanted.items():
        shutil.copyfile(source, fresh / "usr/bin" / name)
        (fresh / "usr/bin" / name).chmod(0o755)
    for name in ("poweroff", "shutdown", "dashboard"):
        (fresh / "usr/bin" / name).hardlink_to(fresh / "usr/bin/init")
    for source_name, inside in _TALOS_FILES.items():
        shutil.copyfile(binaries[source_name], fresh / inside)
    if AUTHORITIES.exists():
        shutil.copyfile(AUTHORITIES, fresh / "etc/ssl/certs/ca-certificates.crt")
    (fresh / "etc/os-release").write_text(
        f'NAME="Talos"\nID=talos\nVERSION_ID={talos}\nPRETTY_NAME="Talos ({talos})"\n'
    )


def own(tree: Path, user: int) -> None:
    """Give a tree to the root of a node's user namespace."""
    os.lchown(tree, user, user)
    for directory, directories, files in os.walk(tree):
        for name in (*directories, *files):
            os.lchown(os.path.join(directory, name), user, user)
