"""Limits of the YAML that a person writes: anchors and aliases are allowed, and what they multiply to is counted.

A file of a hundred bytes can stand for gigabytes (aliases of aliases) or for no end at all (an alias of what contains
it), so the text is checked event by event before a value is made of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import yaml

MOST_BYTES = 4 << 20
"""Bytes of a file. A platform of a thousand machines and VMs has a few hundred thousand."""
MOST_VALUES = 500_000
"""Values of a file, with those that its aliases repeat."""
MOST_CHARACTERS = 16 << 20
"""Characters of a file's values, with those that its aliases repeat."""
MOST_LEVELS = 64
"""Levels of nesting. A machine config has about ten."""


class BeyondBoundsError(yaml.MarkedYAMLError):
    """A text beyond a limit. `problem` continues a sentence that starts with the file's name: "has more than …"."""


@dataclass
class _Open:
    """A collection that has not ended."""

    anchor: str | None
    values: int = 1
    levels: int = 0
    characters: int = 0


@dataclass
class _Counted:
    """What has been read so far."""

    open: list[_Open] = field(default_factory=list)
    anchors: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    """Name of an anchor to the values, the levels and the characters of what it stands for."""
    values: int = 0
    characters: int = 0

    def add(self, values: int, levels: int, characters: int, event: Any) -> None:
        """Add a value that is complete. Raises BeyondBoundsError."""
        self.values += values
        self.characters += characters
        for around in self.open[-1:]:
            around.values += values
            around.levels = max(around.levels, levels)
            around.characters += characters
        if self.values > MOST_VALUES:
            raise BeyondBoundsError(problem=f"stands for more than {MOST_VALUES} values", problem_mark=event.start_mark)
        if self.characters > MOST_CHARACTERS:
            raise BeyondBoundsError(
                problem=f"stands for more than {MOST_CHARACTERS >> 20} MiB of text", problem_mark=event.start_mark
            )
        if len(self.open) + levels > MOST_LEVELS:
            raise BeyondBoundsError(
                problem=f"is nested in more than {MOST_LEVELS} levels", problem_mark=event.start_mark
            )


@dataclass
class Documents:
    """What a file has beside the values of its first document."""

    version: tuple[int, int] | None = None
    """The version in its %YAML directive."""
    second: Any = None
    """The mark of a second document; nothing after it was read."""


def check(events: Iterable[Any]) -> Documents:
    """Read the events of a file's first document.

    Raises BeyondBoundsError, and YAMLError where the text is not YAML.
    """
    counted = _Counted()
    documents: Documents | None = None
    for event in events:
        if isinstance(event, yaml.AliasEvent):
            counted.add(*_alias(event, counted), event)
        elif isinstance(event, yaml.ScalarEvent):
            if event.anchor:
                counted.anchors[event.anchor] = (1, 0, len(event.value))
            counted.add(1, 0, len(event.value), event)
        elif isinstance(event, yaml.CollectionStartEvent):
            counted.open.append(_Open(event.anchor))
            if len(counted.open) > MOST_LEVELS:
                counted.add(0, 1, 0, event)
        elif isinstance(event, yaml.CollectionEndEvent):
            _end(counted, event)
        elif isinstance(event, yaml.DocumentStartEvent):
            if documents:
                documents.second = event.start_mark
                break
            documents = Documents(event.version)
    return documents or Documents()


def _end(counted: _Counted, event: Any) -> None:
    """Count a collection that has ended. Raises BeyondBoundsError."""
    ended = counted.open.pop()
    if ended.anchor:
        counted.anchors[ended.anchor] = (ended.values, ended.levels + 1, ended.characters)
    # Its entries are counted already.
    counted.values -= ended.values - 1
    counted.characters -= ended.characters
    counted.add(ended.values, ended.levels + 1, ended.characters, event)


def _alias(event: Any, counted: _Counted) -> tuple[int, int, int]:
    """The values, levels and characters of what an alias repeats. Raises BeyondBoundsError if that contains it."""
    if any(around.anchor == event.anchor for around in counted.open):
        raise BeyondBoundsError(
            problem=f"has the alias *{event.anchor} within what it stands for", problem_mark=event.start_mark
        )
    # An alias without an anchor is reported by the loader.
    return counted.anchors.get(event.anchor, (1, 0, 0))
