"""Folders of pinned modules as archives of one file, with equal bytes for equal folders."""

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path


def pack(folder: Path, target: Path) -> None:
    """Write a .tgz that holds the folder under its own name, without owners and times."""
    with (
        open(target, "wb") as file,
        gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in sorted([folder, *folder.rglob("*")]):
            tar.add(path, Path(folder.name) / path.relative_to(folder), recursive=False, filter=_plain)


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mtime = 0
    # Go keeps modules read-only.
    entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
    return entry
