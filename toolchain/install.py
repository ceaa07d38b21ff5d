"""Put finished parts where the engine and the shell look for them.

Binaries are hard links, not symbolic ones: `pulumi` looks for its language host beside its own
real path, and warns when the one on PATH is another file.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from .layout import Layout
from .store import Entry


def install(entry: Entry, layout: Layout) -> dict[str, Path]:
    """Link each file of the entry into its folder. Returns the paths by name."""
    part = entry.part
    if part.kind == "python":
        _point(layout.venv, entry.folder)
        return {"python": layout.venv / "bin" / "python"}
    if part.kind == "debian":
        # These files run only on virtual machines, so they are not linked.
        return {name: entry.file(name) for name in part.files}
    products = {product.name for product in part.products}
    installed = {}
    for name in part.files:
        held = entry.file(name)
        if name in products:
            installed[name] = held
            continue
        home = layout.plugins / part.plugin if part.plugin else layout.bin
        home.mkdir(parents=True, exist_ok=True)
        installed[name] = home / name
        if held.is_symlink():
            _point(installed[name], held.resolve())
        elif not _same(held, installed[name]):
            _link(held, installed[name])
    return installed


def in_place(entry: Entry, layout: Layout) -> bool:
    """Whether the entry is linked already. Changes nothing."""
    part = entry.part
    if part.kind == "python":
        return layout.venv.is_symlink() and layout.venv.resolve() == entry.folder.resolve()
    if part.kind == "debian":
        return True
    products = {product.name for product in part.products}
    home = layout.plugins / part.plugin if part.plugin else layout.bin
    return all(_same(entry.file(n), home / n) for n in part.files if n not in products)


def _same(held: Path, there: Path) -> bool:
    try:
        ours, theirs = held.stat(), there.stat()
    except OSError:
        return False
    # A copy onto another file system keeps size and time.
    return os.path.samestat(ours, theirs) or (
        not there.is_symlink() and (ours.st_size, ours.st_mtime_ns) == (theirs.st_size, theirs.st_mtime_ns)
    )


def _link(held: Path, there: Path) -> None:
    fresh = there.with_name(f".{there.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    try:
        os.link(held, fresh)
    except OSError:
        shutil.copy2(held, fresh)
    os.replace(fresh, there)
    # Renaming one link of a file onto another does nothing and leaves both.
    fresh.unlink(missing_ok=True)


def _point(there: Path, target: Path) -> None:
    if there.is_symlink() and Path(os.readlink(there)) == target:
        return
    there.parent.mkdir(parents=True, exist_ok=True)
    fresh = there.with_name(f".{there.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    os.symlink(target, fresh)
    os.replace(fresh, there)
