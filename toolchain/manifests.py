"""Files that are both generated and committed: the two must be equal."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from .errors import ToolchainError
from .layout import Layout

# A product's name -> the folder it is committed in, so that a plan needs no Go.
COMMITTED: Mapping[str, str] = {
    "kubevirt-operator-v1.8.4.yaml": "core/manifests/upstream",
    "cdi-operator-v1.65.0.yaml": "core/manifests/upstream",
}


def check(installed: Mapping[str, Path], layout: Layout) -> None:
    """Compare each generated file with the committed one.

    Raises ToolchainError with the remedy when they differ.
    """
    for name, ours in _pairs(installed, layout):
        if not ours.is_file() or ours.read_bytes() != installed[name].read_bytes():
            raise ToolchainError(
                f"{ours.relative_to(layout.checkout)} is not what its pinned module generates.\n"
                "  ./bedplate setup --write-manifests   writes the generated one: review it, then commit it"
            )


def write(installed: Mapping[str, Path], layout: Layout) -> list[Path]:
    """Write each generated file to where it is committed. Returns the files that changed."""
    changed = []
    for name, ours in _pairs(installed, layout):
        if not ours.is_file() or ours.read_bytes() != installed[name].read_bytes():
            ours.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(installed[name], ours)
            changed.append(ours)
    return changed


def _pairs(installed: Mapping[str, Path], layout: Layout) -> list[tuple[str, Path]]:
    return [(name, layout.checkout / folder / name) for name, folder in sorted(COMMITTED.items()) if name in installed]
