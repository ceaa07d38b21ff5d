"""The read-only root of every node, made from built binaries as Talos lays out its own image."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from . import speed
from .topology import FIRST_ID

AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
_LAYOUT = 4  # raise when what is built below changes: the directory's name carries it

# Of Debian's packages, what Talos' own image has as well.
_PROGRAMS = (
    "usr/bin/udevadm",
    "usr/bin/kmod",
    *(f"usr/sbin/{name}" for name in ("mkfs.xfs", "xfs_growfs", "xfs_repair", "mkfs.vfat")),
)
_LIBRARIES = "usr/lib/x86_64-linux-gnu"
# udevd opens it by its name, so no list of what it loads has it.
_BY_NAME = f"{_LIBRARIES}/libkmod.so.2"

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
    wanted = _programs(binaries)
    if user_namespace:
        wanted |= {"runc.real": wanted.pop("runc"), "runc": binaries["lab-tools"]}

    def make(fresh: Path) -> None:
        _lay(fresh, wanted, binaries, talos)
        (fresh / "usr/etc/in-container").write_text("true\n")
        if user_namespace:
            own(fresh, FIRST_ID)

    return _kept(parent, ["container", talos, user_namespace, *_marks(wanted)], make)


def squashed(parent: Path, binaries: Mapping[str, Path], *, talos: str) -> Path:
    """The same for a machine: a file system image with the programs that a machine needs besides, made once and kept."""
    wanted = _programs(binaries)
    tree = binaries["tree"]

    def make(fresh: Path) -> None:
        root = fresh.with_name(f"{fresh.name}.root")
        shutil.rmtree(root, ignore_errors=True)
        try:
            _lay(root, wanted, binaries, talos)
            _with_programs(root, tree)
            # The fastest to unpack: the machine that does it is emulated.
            squash = [
                "mksquashfs",
                str(root),
                str(fresh),
                "-comp",
                "lz4",
                "-all-root",
                "-noappend",
                "-no-progress",
                "-quiet",
            ]
            subprocess.run(squash, check=True, capture_output=True, text=True)
        finally:
            shutil.rmtree(root, ignore_errors=True)

    return _kept(parent, ["machine", talos, str(tree.resolve()), *_marks(wanted)], make)


def _programs(binaries: Mapping[str, Path]) -> dict[str, Path]:
    """What Talos' own image has in /usr/bin, by the name that it has there."""
    return {
        "init": binaries["machined"],
        **{name: binaries[name] for name in ("containerd", "containerd-shim-runc-v2", "runc")},
    }


def _marks(wanted: Mapping[str, Path]) -> list[Any]:
    return [
        (name, str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns)
        for name, path in sorted(wanted.items())
    ]


def _kept(parent: Path, facts: list[Any], make: Callable[[Path], None]) -> Path:
    """What `make` made of these facts the first time. A run that was killed leaves nothing that is used."""
    key = hashlib.sha256(json.dumps([_LAYOUT, facts]).encode()).hexdigest()[:16]
    place = parent / f"rootfs-{key}"
    if place.exists():
        return place
    parent.mkdir(parents=True, exist_ok=True)
    fresh = parent / f".rootfs-{key}.{os.getpid()}"
    shutil.rmtree(fresh, ignore_errors=True)
    make(fresh)
    fresh.replace(place)
    return place


def _lay(fresh: Path, wanted: Mapping[str, Path], binaries: Mapping[str, Path], talos: str) -> None:
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


def _with_programs(root: Path, tree: Path) -> None:
    """udevd and its rules, what makes and mends file systems, and the libraries of all of them."""
    for program in _PROGRAMS:
        shutil.copy2(tree / program, root / "usr/bin" / Path(program).name)
    for link, target in {"systemd-udevd": "udevadm", "modprobe": "kmod"}.items():
        (root / "usr/bin" / link).symlink_to(target)
    # Volumes are made by what Talos' release says a kernel of its time can mount.
    shutil.copytree(tree / "usr/share/xfsprogs", root / "usr/share/xfsprogs")
    shutil.copytree(
        tree / "usr/lib/udev", root / "usr/lib/udev", symlinks=True, ignore=shutil.ignore_patterns("hwdb.d")
    )
    helpers = [str(path.relative_to(tree)) for path in sorted((tree / "usr/lib/udev").iterdir()) if _loads(path)]
    for inside, source in libraries(tree, [*_PROGRAMS, *helpers, _BY_NAME]).items():
        (root / inside).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, root / inside)
        (root / inside).chmod(0o755)
    (root / "usr/lib/ld-linux-x86-64.so.2").symlink_to("x86_64-linux-gnu/ld-linux-x86-64.so.2")


def libraries(tree: Path, programs: Iterable[str]) -> dict[str, Path]:
    """What these programs of a tree of Debian packages load, all from that tree, by path inside it."""
    tree, found = tree.resolve(), {}
    folder = tree / _LIBRARIES
    loader = folder / "ld-linux-x86-64.so.2"
    for program in programs:
        command = [str(loader), "--library-path", f"{folder}:{folder / 'systemd'}", "--list", str(tree / program)]
        told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=speed.deadline(20)).stdout
        for word in told.split():
            if word.startswith(f"{tree}/"):
                found[word.removeprefix(f"{tree}/")] = Path(word)
        if program.startswith(_LIBRARIES):
            found[program] = tree / program
    return {f"{_LIBRARIES}/{loader.name}": loader, **found}


def _loads(path: Path) -> bool:
    """Whether it is a program that loads libraries."""
    if not path.is_file() or path.is_symlink():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def own(tree: Path, user: int) -> None:
    """Give a tree to the root of a node's user namespace."""
    os.lchown(tree, user, user)
    for directory, directories, files in os.walk(tree):
        for name in (*directories, *files):
            os.lchown(os.path.join(directory, name), user, user)
