"""The initramfs of a machine that boots: an archive as the kernel reads it, and modules in order."""

import lzma
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from lab.rootfs import kept, marks

# Drivers that are built into Talos' own kernel, and that a distribution's kernel has as modules: for the disk, the
# network, the root and in-memory file systems, and the packet filter.
TALOS_MODULES = (
    "virtio_pci",
    "virtio_net",
    "virtio_blk",
    "virtio_rng",
    "loop",
    "squashfs",
    "overlay",
    "xfs",
    "vfat",
    "nls_cp437",
    "nls_ascii",
    "nls_iso8859_1",
    "nls_utf8",
    "dm_mod",
    "configfs",
    "efivarfs",
    "nf_tables",
    "nft_chain_nat",
    "nft_ct",
    "nft_limit",
    "br_netfilter",
)

_NEEDS = re.compile(rb"\0depends=([^\0]*)\0")


def archive(files: Mapping[str, bytes | Path], *, executable: Iterable[str] = ("init",)) -> bytes:
    """A cpio archive of these files, with the folders that they are in and a console. Source: the kernel's
    Documentation/driver-api/early-userspace/buffer-format.rst."""
    cpio = bytearray()
    numbers = iter(range(1, 1 << 20))
    for folder in sorted({str(parent) for name in [*files, "dev/console"] for parent in Path(name).parents} - {"."}):
        cpio += _entry(folder, 0o040755, next(numbers))
    cpio += _entry("dev/console", 0o020600, next(numbers), device=(5, 1))
    for name, content in files.items():
        data = content.read_bytes() if isinstance(content, Path) else content
        cpio += _entry(name, 0o100755 if name in executable else 0o100644, next(numbers), data)
    return bytes(cpio + _entry("TRAILER!!!", 0, 0))


def _entry(name: str, mode: int, number: int, data: bytes = b"", device: tuple[int, int] = (0, 0)) -> bytes:
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return _padded(head) + _padded(data)


def _padded(part: bytes) -> bytes:
    return part + b"\0" * (-len(part) % 4)


def made_once(
    parent: Path, files: Mapping[str, Path], *, modules_of: Path | None = None, executable: Iterable[str] = ("init",)
) -> Path:
    """The archive of these files as a file that is made once and kept in `parent`.

    modules_of: a kernel's folder of modules, of which `TALOS_MODULES` are added.
    """
    programs = tuple(executable)

    def make(fresh: Path) -> None:
        loaded = modules(modules_of, TALOS_MODULES) if modules_of else {}
        fresh.write_bytes(archive({**files, **loaded}, executable=programs))

    facts = ["initramfs", str(modules_of and modules_of.resolve()), TALOS_MODULES, programs, *marks(files)]
    return kept(parent, facts, make, kind="initramfs")


def modules(folder: Path, wanted: Iterable[str]) -> dict[str, bytes]:
    """Modules of a kernel: file name to content, each after its dependencies, without modules that are built in.

    Raises LookupError if the kernel has no such module.
    """
    there = {_plain(path): path for path in folder.glob("kernel/**/*.ko*")}
    built_in = {_plain(Path(line)) for line in (folder / "modules.builtin").read_text().splitlines()}
    ordered: dict[str, bytes] = {}

    def take(name: str) -> None:
        if name in ordered or name in built_in:
            return
        if name not in there:
            raise LookupError(f"the kernel in {folder} has no {name}")
        image = lzma.decompress(there[name].read_bytes()) if there[name].suffix == ".xz" else there[name].read_bytes()
        for need in _needed(image):
            take(need)
        ordered[name] = image

    for name in wanted:
        take(name)
    return {f"modules/{number:03d}-{name}.ko": image for number, (name, image) in enumerate(ordered.items())}


def _needed(image: bytes) -> Iterator[str]:
    depends = _NEEDS.search(image)
    for name in (depends[1].decode() if depends else "").split(","):
        if name:
            yield name.replace("-", "_")


def _plain(path: Path) -> str:
    return path.name.split(".")[0].replace("-", "_")
