"""Rules for files that an update writes on the computer that runs it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.facts.folders import PART, is_system_folder
from core.native.cluster import SNAPSHOT

from .rule import Resource, Rule

# From the checkout on, or from the root.
_FOLDER = re.compile(rf"/?{PART}(/{PART})*", re.ASCII)


def outside_the_system(resource: Resource) -> Iterator[str]:
    """Yields a folder for snapshots that belongs to a system, or leads there."""
    folder = resource.inputs["folder"].text() or ""
    if not _FOLDER.fullmatch(folder):
        yield "folder is not a plain path"
    elif folder.startswith("/") and is_system_folder(folder):
        yield "folder belongs to the system of a computer"


RULES = (
    Rule(
        name="talos-snapshots-stay-off-the-system",
        severity="high",
        kinds=frozenset({SNAPSHOT.token}),
        check=outside_the_system,
        why="What is written to folders of the system is run or read by others.",
        remedy="set talos.snapshots.folder to a folder for data, such as /srv/snapshots",
    ),
)
