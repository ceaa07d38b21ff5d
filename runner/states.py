"""Keep a stack's state in a folder readable, even after a run that was killed.

The engine writes a state beside the old one and renames it. Then it writes a small file of attributes (`.attrs`) in
place. A kill in that moment leaves the attributes empty, and the engine then refuses the whole state ("failed to load
checkpoint: EOF"). Nothing reads those attributes. Source: gocloud.dev/blob/fileblob v0.46, attrs.go.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

_SKIP = "metadata=skip"


def folder(url: str) -> Path | None:
    """The folder in which a backend keeps its states; None when the backend is no folder."""
    parts = urlsplit(url)
    return Path(os.path.expanduser(unquote(parts.netloc + parts.path))) if parts.scheme == "file" else None


def durable(url: str) -> str:
    """The URL of the same backend; a folder gets the option that writes no attributes."""
    parts = urlsplit(url)
    if parts.scheme != "file" or "metadata" in parse_qs(parts.query):
        return url
    return f"{url}{'&' if parts.query else '?'}{_SKIP}"


def remove_empty_attributes(url: str) -> list[Path]:
    """Remove attribute files that a killed run left empty; returns them. The states themselves are not touched."""
    backend = folder(url)
    broken = [file for file in backend.glob(".pulumi/**/*.attrs") if _empty(file)] if backend else []
    for file in broken:
        file.unlink(missing_ok=True)
    return broken


def _empty(file: Path) -> bool:
    with contextlib.suppress(OSError):
        return file.stat().st_size == 0
    return False
