"""Make sure that parts of the toolchain are set up and unchanged, at the cost of some file stats when they are."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from . import system
from .errors import ToolchainError
from .install import install
from .layout import Layout
from .lock import Part, load
from .progress import Progress
from .store import SOURCES, find


def absent(names: Iterable[str], layout: Layout | None = None) -> list[Part]:
    """The parts behind these names that are not set up yet, in their order. Raises ToolchainError."""
    layout = layout or Layout.of()
    source = forced()
    return [part for part in load(layout.lock).select(names) if find(part, layout, source) is None]


def ensure(names: Iterable[str], layout: Layout | None = None, progress: Progress | None = None) -> dict[str, Path]:
    """Set up what is missing of these parts, outputs or sets. Returns the path of each file that they yield, by name.

    Raises ToolchainError, with the remedy in its text, when a part cannot be set up, or was changed in the store.
    """
    layout = layout or Layout.of()
    lock = load(layout.lock)
    source = forced()
    parts = lock.select(names)
    entries = {part.name: find(part, layout, source) for part in parts}
    absent = [part for part in parts if entries[part.name] is None]
    progress = progress or Progress()
    system.provide(absent, progress, [part for part in parts if entries[part.name]])
    if absent:
        from .setup import Setup  # Loads what builds and downloads.

        entries |= Setup(lock, layout, progress, source).run(absent)
    installed: dict[str, Path] = {}
    for entry in entries.values():
        if entry:
            entry.check(layout)
            installed |= install(entry, layout)
    return installed


def forced() -> str | None:
    """The source that BEDPLATE_TOOLCHAIN names, if any. Raises ToolchainError for one that does not exist."""
    source = os.environ.get("BEDPLATE_TOOLCHAIN") or None
    if source not in {None, *SOURCES}:
        raise ToolchainError(f"BEDPLATE_TOOLCHAIN is {source!r}: it must be one of {', '.join(SOURCES)}, or unset.")
    return source
