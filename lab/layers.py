"""Layers of images: tar files of trees, files, links and folders, the same bytes every time."""

import fnmatch
import hashlib
import io
import json
import os
import stat
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# The PAX record of an extended attribute. Source: docs of github.com/opencontainers/image-spec, layer.md.
ATTRIBUTE = "SCHILY.xattr."
# security.capability of version 2: cap_net_bind_service, permitted and effective. Source: linux/capability.h.
NET_BIND_SERVICE = b"\x01\x00\x00\x02" + (1 << 10).to_bytes(4, "little") + bytes(12)


@dataclass(frozen=True, kw_only=True)
class Layer:
    """What one layer holds, all of it owned by root and without times. Paths inside have no leading slash."""

    files: Mapping[str, Path] = field(default_factory=dict)
    texts: Mapping[str, bytes] = field(default_factory=dict)
    """Files by their content. They replace what a tree has of the same names."""
    links: Mapping[str, str] = field(default_factory=dict)
    directories: Sequence[str] = ()
    shared: Sequence[str] = ()
    """Folders that everyone may write to."""
    capabilities: Mapping[str, bytes] = field(default_factory=dict)
    """Of the files: path inside to its attribute security.capability."""
    programs: Sequence[str] = ()
    """Texts that can be executed."""
    tree: Path | None = None
    """A folder that goes in as it is."""
    without: Sequence[str] = ()
    """Shell patterns of what of the tree stays out; a folder stays out with all that is in it."""

    def recipe(self) -> list[Any]:
        """Changes when anything that goes into the layer may have changed."""
        files = []
        for target, source in sorted(self.files.items()):
            status = source.stat()
            files.append([target, str(source.resolve()), status.st_size, status.st_mtime_ns])
        tree: list[Any] = []
        if self.tree:
            # Trees lie in parts of the toolchain, which are replaced as a whole.
            status = self.tree.stat()
            tree = [str(self.tree.resolve()), status.st_ino, status.st_mtime_ns, sorted(self.without)]
        return [
            files,
            [[name, text.hex()] for name, text in sorted(self.texts.items())],
            sorted(self.links.items()),
            sorted(self.directories),
            sorted(self.shared),
            [[name, value.hex()] for name, value in sorted(self.capabilities.items())],
            sorted(self.programs),
            tree,
        ]

    def fingerprint(self) -> str:
        """The digest of its recipe."""
        return hashlib.sha256(json.dumps(self.recipe()).encode()).hexdigest()


def write(layer: Layer, target: Path) -> None:
    """Write the layer's tar: the tree first, then folders before what is in them, links, and files."""
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
        replaced = {*layer.files, *layer.texts, *layer.links}
        written = set(_tree(layer.tree, layer.without, replaced, tar)) if layer.tree else set()
        for path in _folders(layer):
            if path not in written:
                tar.addfile(_entry(path, tarfile.DIRTYPE, 0o1777 if path in layer.shared else 0o755))
        for path, text in sorted(layer.texts.items()):
            entry = _entry(path, tarfile.REGTYPE, 0o755 if path in layer.programs else 0o644)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text))
        for path, destination in sorted(layer.links.items()):
            entry = _entry(path, tarfile.SYMTYPE, 0o777)
            entry.linkname = destination
            tar.addfile(entry)
        for path, source in sorted(layer.files.items()):
            _file(path, source, 0o755 if os.access(source, os.X_OK) else 0o644, tar, layer.capabilities.get(path))


def _folders(layer: Layer) -> list[str]:
    folders = {*layer.directories, *layer.shared}
    for path in (*layer.files, *layer.texts, *layer.links, *folders):
        folders.update(str(parent) for parent in Path(path).parents if str(parent) != ".")
    return sorted(folders - set(layer.links))


def _tree(tree: Path, without: Sequence[str], replaced: set[str], tar: tarfile.TarFile) -> Iterator[str]:
    """Write a folder's content, and yield the path of each folder in it."""
    for here, folders, files in os.walk(tree):
        inside = os.path.relpath(here, tree)
        kept = []
        for name in sorted([*folders, *files]):
            path = os.path.normpath(os.path.join(inside, name))
            if path in replaced or any(fnmatch.fnmatchcase(path, pattern) for pattern in without):
                continue
            source = Path(here, name)
            status = source.lstat()
            if stat.S_ISLNK(status.st_mode):
                entry = _entry(path, tarfile.SYMTYPE, 0o777)
                entry.linkname = str(source.readlink())
                tar.addfile(entry)
            elif stat.S_ISDIR(status.st_mode):
                kept.append(name)
                tar.addfile(_entry(path, tarfile.DIRTYPE, stat.S_IMODE(status.st_mode)))
                yield path
            elif stat.S_ISREG(status.st_mode):
                _file(path, source, stat.S_IMODE(status.st_mode), tar)
        folders[:] = kept


def _file(path: str, source: Path, mode: int, tar: tarfile.TarFile, capability: bytes | None = None) -> None:
    with source.open("rb") as content:
        entry = _entry(path, tarfile.REGTYPE, mode)
        entry.size = os.fstat(content.fileno()).st_size
        if capability:
            # tarfile writes PAX records as UTF-8, and these bytes are the same in it.
            entry.pax_headers = {f"{ATTRIBUTE}security.capability": capability.decode("ascii")}
        tar.addfile(entry, content)


def _entry(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.mtime = kind, mode, 0
    return entry
