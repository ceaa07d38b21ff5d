"""What each file of a finished part was when it came into the store, and whether it still is that.

The store remembers the sha256 of every file, in SEAL; `part.json` has the sha256 of SEAL. A command that uses a part
hashes its files, at about 1 GB a second, unless this checkout has done so before and the system says that none was
touched since: same inode, size, mtime and ctime. Programs cannot set a ctime, and what this checkout has seen is kept
outside the store: whoever writes the store cannot vouch for it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from core.printable import LINE_CHARACTERS, printable

from .errors import ToolchainError
from .layout import Layout

SEAL = "sealed.json"
RECORD = "part.json"
# A file that changes twice within one tick of the clock keeps its ctime: what is younger than this is hashed again.
SETTLED_SECONDS = 2
# Python writes compiled modules beside their sources, and believes them. pip wrote those that belong to the part; what
# came later only saves time, and is deleted. pytest writes some in each run, with this in their names.
COMPILED = re.compile(r"(^|/)__pycache__/[^/]+\.pyc[^/]*$")
SCRATCH = "-pytest-"


def seal(made: Path) -> str:
    """Write the sha256 of each file below a folder into SEAL. Returns the sha256 of SEAL itself."""
    sums = {path: _sum(made / path, status) for path, status in _files(made) if path not in {SEAL, RECORD}}
    text = json.dumps(sums, indent=0, sort_keys=True) + "\n"
    (made / SEAL).write_text(text)
    return hashlib.sha256(text.encode()).hexdigest()


def read_only(made: Path) -> None:
    """Take the right to write from each file below a folder: its hard links are no way to change it."""
    for path, status in _files(made):
        if stat.S_ISREG(status.st_mode):
            (made / path).chmod(stat.S_IMODE(status.st_mode) & ~0o222)


def check(name: str, folder: Path, sealed: str, layout: Layout) -> None:
    """Compare a part's files with their record, whose sha256 is `sealed`.

    Raises ToolchainError, with the file's name and what to do, if one was changed, added or removed since.
    """
    seen = _seen(layout)
    found = dict(_files(folder))
    stamp = _stamp(found)
    if seen.get(str(folder)) == stamp:
        return
    fault = _fault(folder, found, sealed)  # Takes deleted files out of `found`.
    if fault:
        # The name of a file, or the target of a link, may have been written to control a terminal.
        what = printable(f"{folder / fault[0]} {fault[1]}", LINE_CHARACTERS)
        raise ToolchainError(
            f"{name}: {what}; it is not used, because someone changed the store. "
            f"Find out who can write there, then delete {folder}: the next run makes it again"
        )
    if max(status.st_ctime for status in found.values()) < time.time() - SETTLED_SECONDS:
        _remember({**seen, str(folder): stamp}, layout)


def _files(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Each file below a folder, by its path there, without what pytest wrote.

    Every command that uses Python's environment walks its 12,000 files, so paths are texts here and not Paths.
    """
    waiting = [""]
    while waiting:
        below = waiting.pop()
        with os.scandir(f"{folder}/{below}") as entries:
            for entry in entries:
                path = below + entry.name
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{path}/")
                elif not (SCRATCH in entry.name and _deleted(folder, path)):
                    yield path, entry.stat(follow_symlinks=False)


def _deleted(folder: Path, path: str) -> bool:
    """Whether a file is a compiled module, and could be deleted."""
    if not COMPILED.search(path):
        return False
    try:
        (folder / path).unlink(missing_ok=True)
    except OSError:
        return False
    return True


def _sum(file: Path, status: os.stat_result) -> str:
    if stat.S_ISLNK(status.st_mode):
        return f"-> {os.readlink(file)}"
    if not stat.S_ISREG(status.st_mode):
        return f"mode {stat.S_IFMT(status.st_mode):o}"
    with open(file, "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _fault(folder: Path, found: dict[str, os.stat_result], sealed: str) -> tuple[str, str] | None:
    """The first file that is not as it was, and what is wrong with it."""
    try:
        text = (folder / SEAL).read_bytes()
    except OSError:
        return SEAL, "is missing"
    if hashlib.sha256(text).hexdigest() != sealed:
        return SEAL, "is not the one that was written with the part"
    recorded: dict[str, str] = json.loads(text)
    for path in sorted({*recorded, *found} - {SEAL, RECORD}):
        if path not in found:
            if not COMPILED.search(path):
                return path, "is missing"
        elif path not in recorded:
            if not _deleted(folder, path):
                return path, "is not one of its files"
            del found[path]
        elif (actual := _sum(folder / path, found[path])) != recorded[path]:
            return path, f"was changed (sha256 {actual}, recorded {recorded[path]})"
    return None


def _stamp(found: Mapping[str, os.stat_result]) -> str:
    facts = [(p, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for p, s in sorted(found.items())]
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def _seen(layout: Layout) -> dict[str, str]:
    try:
        seen: dict[str, str] = json.loads(layout.seen.read_text())
    except (OSError, ValueError):
        return {}
    return seen


def _remember(seen: Mapping[str, str], layout: Layout) -> None:
    layout.seen.parent.mkdir(parents=True, exist_ok=True)
    kept = {folder: stamp for folder, stamp in seen.items() if os.path.exists(folder)}
    fresh = layout.seen.with_name(f".{layout.seen.name}.{os.getpid()}")
    fresh.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
    os.replace(fresh, layout.seen)
