"""A content-addressed store of finished parts.

An entry is a folder named after its part, its source and a digest of everything that decides its content. It counts
only once it holds `part.json`, which is written last: what a killed run left behind is never used, and the next run
that builds the same part removes it. An entry without a seal, as earlier versions wrote them, does not count either.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import ToolchainError
from .layout import Layout, this_platform
from .lock import Part
from .seal import RECORD, check, read_only, seal
from .signature import believed, signed

SOURCES = ("path", "download", "build")


@dataclass(frozen=True)
class Entry:
    """One finished part on disk."""

    part: Part
    folder: Path
    record: Mapping[str, Any]

    @property
    def source(self) -> str:
        """Where it came from: path, download or build."""
        return str(self.record["source"])

    def file(self, name: str) -> Path:
        """The path of one of its files."""
        return self.folder / name

    def check(self, layout: Layout) -> None:
        """Raises ToolchainError if a file of the part is not what was put into the store."""
        name = f"{self.part.name} {self.part.version}".rstrip()
        check(name, self.folder, str(self.record["sealed"]), layout)


def digest(part: Part, source: str, layout: Layout) -> str:
    """A short digest of everything that decides what this source would yield."""
    facts: dict[str, Any] = {"version": part.version, "files": part.files, "on": this_platform()}
    if part.kind == "python":
        facts["python"] = [sys.version, sys.base_prefix, str(layout.store)]
        facts["requirements"] = _hash([layout.checkout / "requirements.txt"])
    elif source == "build" and part.kind != "debian":
        # The facts about the official release do not change what is built from source.
        facts["pin"] = {k: v for k, v in part.raw.items() if k not in {"release", "ask", "needs", "uses"}}
        facts["module"] = _hash(module_files(part, layout))
        if part.generate:
            facts["generator"] = _hash([Path(__file__).with_name("generators.py")])
    elif part.kind == "debian":
        facts["pin"] = {k: v for k, v in part.raw.items() if k not in {"needs", "uses"}}
    elif source == "download" and part.release:
        facts["url"] = part.release.url
        facts["sha256"] = part.release.sha256.get(this_platform(), "")
    text = json.dumps(facts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def module_files(part: Part, layout: Layout) -> list[Path]:
    """The files of the part's Go module, in a stable order."""
    folder = layout.checkout / "toolchain" / "parts" / part.folder
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _hash(paths: list[Path]) -> str:
    total = hashlib.sha256()
    for path in paths:
        total.update(path.name.encode() + b"\0")
        total.update(path.read_bytes() if path.is_file() else b"")
    return total.hexdigest()


def folder(part: Part, source: str, layout: Layout) -> Path:
    """The folder of the part from that source, whether it exists or not."""
    return layout.store / f"{part.name}-{source}-{digest(part, source, layout)}"


def find(part: Part, layout: Layout, forced: str | None) -> Entry | None:
    """The finished entry of a part, from the forced source or from the first that has one."""
    for source in [forced] if forced and part.kind == "go" else SOURCES:
        place = folder(part, source, layout)
        record = _read(place)
        if record and _whole(place, record):
            return Entry(part, place, record)
    return None


def _read(place: Path) -> dict[str, Any] | None:
    try:
        record: dict[str, Any] = json.loads((place / RECORD).read_text())
    except (OSError, ValueError):
        return None
    return record


def _whole(place: Path, record: Mapping[str, Any]) -> bool:
    """Whether the part is sealed, and signed if there is a key; and has each file, unchanged if taken from PATH."""
    files = record.get("files")
    if not isinstance(record.get("sealed"), str) or not isinstance(files, dict) or not believed(record, place.name):
        return False
    for name, seen in files.items():
        path = place / name
        if not path.exists():
            return False
        if path.is_symlink() and record.get("source") == "path" and seen != fingerprint(path):
            return False
    return True


def fingerprint(path: Path) -> list[int]:
    """Size in bytes and time in nanoseconds of a file: enough to see that it was upgraded."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


@contextmanager
def locked(layout: Layout, name: str, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock of one name. The kernel releases it when the process ends, however it ends."""
    locks = layout.store / ".locks"
    locks.mkdir(parents=True, exist_ok=True)
    with open(locks / name, "w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def workspace(part: Part, layout: Layout) -> Iterator[Path]:
    """A folder to build in, on the store's own file system. Call it with the part's lock held."""
    place = layout.store / ".tmp"
    place.mkdir(parents=True, exist_ok=True)
    for abandoned in place.glob(f"{part.name}=*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=f"{part.name}=", dir=place))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def keep(part: Part, source: str, made: Path, layout: Layout, seconds: float, origin: str) -> Entry:
    """Move a finished folder into the store: the record first, then one atomic rename.

    Raises ToolchainError when a file of the part is missing.
    """
    missing = [name for name in part.files if not (made / name).exists()]
    if missing:
        raise ToolchainError(f"{part.name}: {origin} did not yield {', '.join(missing)}")
    place = folder(part, source, layout)
    if part.kind == "go":
        read_only(made)
    record = write_record(part, source, made, layout, seconds, origin)
    if place.exists():
        shutil.rmtree(place)
    os.rename(made, place)
    return Entry(part, place, record)


def write_record(part: Part, source: str, made: Path, layout: Layout, seconds: float, origin: str) -> dict[str, Any]:
    """Write the record that makes a folder count; its fields are those of `part.json`."""
    facts = {
        "part": part.name,
        "version": part.version,
        "source": source,
        "origin": origin,
        "platform": this_platform(),
        "seconds": round(seconds, 1),
        "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "files": {name: fingerprint(made / name) for name in part.files},
        "sealed": seal(made),
    }
    record = signed(facts, folder(part, source, layout).name)
    fresh = made / f"{RECORD}.new"
    fresh.write_text(json.dumps(record, indent=1) + "\n")
    os.replace(fresh, made / RECORD)
    return record
