"""A stack's state in a folder, kept so that a run that is killed can't make it unreadable.

The engine writes a state beside the old one and renames it, and after it a small file of attributes (`.attrs`) in place:
one that was cut short has no text, and the engine then refuses the whole state ("failed to load checkpoint: EOF").
Nobody reads those attributes. Source: gocloud.dev/blob/fileblob v0.46, attrs.go.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

_SKIP = "metadata=skip"


def folder(url: str) -> Path | None:
    """Where a backend keeps its states, if that is a folder."""
    parts = urlsplit(url)
    return Path(os.path.expanduser(unquote(parts.netloc + parts.path))) if parts.scheme == "file" else None


def durable(url: str) -> str:
    """The same backend, and where it is a folder, told to write no attributes."""
    parts = urlsplit(url)
    if parts.scheme != "file" or "metadata" in parse_qs(parts.query):
        return url
    return f"{url}{'&' if parts.query else '?'}{_SKIP}"


def mend(url: str) -> list[Path]:
    """Remove attributes that a killed run left without a text; yields which. The states themselves are not touched."""
    where = folder(url)
    broken = [file for file in where.glob(".pulumi/**/*.attrs") if _empty(file)] if where else []
    for file in broken:
        file.unlink(missing_ok=True)
    return broken


def _empty(file: Path) -> bool:
    with contextlib.suppress(OSError):
        return file.stat().st_size == 0
    return False
