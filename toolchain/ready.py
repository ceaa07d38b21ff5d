"""Have parts of the toolchain: what is set up already costs some file stats, and loads nothing that builds."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from . import system
from .errors import ToolchainError
from .install import install
from .layout import Layout
from .lock import load
from .progress import Progress
from .store import SOURCES, find


def ensure(names: Iterable[str], layout: Layout | None = None, progress: Progress | None = None) -> dict[str, Path]:
    """Have these parts, outputs or sets, and return the path of each file they yield by its name.

    What is there already costs some file stats. Raises ToolchainError, with the remedy in its
    text, when something cannot be had.
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
            installed |= install(entry, layout)
    return installed


def forced() -> str | None:
    """The source that BEDPLATE_TOOLCHAIN demands. Raises ToolchainError for one there is not."""
    source = os.environ.get("BEDPLATE_TOOLCHAIN") or None
    if source not in {None, *SOURCES}:
        raise ToolchainError(f"BEDPLATE_TOOLCHAIN is {source!r}: it must be one of {', '.join(SOURCES)}, or unset.")
    return source
