"""The root of a machine with firmware and a disk: what a node in a container has, and the programs of a machine."""

import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from lab import speed
from lab.rootfs import kept, lay, marks, programs

# The programs of Debian's packages that Talos' own image contains too.
_PROGRAMS = (
    "usr/bin/udevadm",
    "usr/bin/kmod",
    *(f"usr/sbin/{name}" for name in ("mkfs.xfs", "xfs_growfs", "xfs_repair", "mkfs.vfat")),
)
_LIBRARIES = "usr/lib/x86_64-linux-gnu"
# udevd opens this library at run time, so it is not among the libraries that udevd is linked to.
_BY_NAME = f"{_LIBRARIES}/libkmod.so.2"


def squashed(parent: Path, binaries: Mapping[str, Path], *, talos: str) -> Path:
    """A file system image with Talos and the programs of a machine, made once and kept in `parent`."""
    wanted = programs(binaries)
    tree = binaries["tree"]

    def make(fresh: Path) -> None:
        root = fresh.with_name(f"{fresh.name}.root")
        shutil.rmtree(root, ignore_errors=True)
        try:
            lay(root, wanted, binaries, talos)
            _with_programs(root, tree)
            # The fastest to unpack, because the machine that unpacks it is emulated.
            options = ["-comp", "lz4", "-all-root", "-noappend", "-no-progress", "-quiet"]
            subprocess.run(["mksquashfs", str(root), str(fresh), *options], check=True, capture_output=True, text=True)
        finally:
            shutil.rmtree(root, ignore_errors=True)

    return kept(parent, ["machine", talos, str(tree.resolve()), *marks(wanted)], make)


def _with_programs(root: Path, tree: Path) -> None:
    """Add udevd and its rules, the programs that make and repair file systems, and the libraries of all of them."""
    for program in _PROGRAMS:
        shutil.copy2(tree / program, root / "usr/bin" / Path(program).name)
    for link, target in {"systemd-udevd": "udevadm", "modprobe": "kmod"}.items():
        (root / "usr/bin" / link).symlink_to(target)
    # mkfs.xfs options per kernel version: Talos selects those that the kernel of its release can mount.
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
    """The libraries that programs of a tree of Debian packages load, by their path inside the tree."""
    tree, loaded = tree.resolve(), {}
    folder = tree / _LIBRARIES
    loader = folder / "ld-linux-x86-64.so.2"
    for program in programs:
        command = [str(loader), "--library-path", f"{folder}:{folder / 'systemd'}", "--list", str(tree / program)]
        listed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=speed.deadline(20)).stdout
        for word in listed.split():
            if word.startswith(f"{tree}/"):
                loaded[word.removeprefix(f"{tree}/")] = Path(word)
        if program.startswith(_LIBRARIES):
            loaded[program] = tree / program
    return {f"{_LIBRARIES}/{loader.name}": loader, **loaded}


def _loads(path: Path) -> bool:
    """Whether it is a program that loads libraries."""
    if not path.is_file() or path.is_symlink():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"
