"""Which values of a machine config only move from a field of the large document to a document of their own."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from core.facts import containerd
from core.facts.contracts import MOVED, REPLACED

from .merge import LEGACY, Key

Names = tuple[str, ...]
_Added = dict[tuple[Key, Names], Any]


class Changed(NamedTuple):
    """A field that differs: its document, its path, and the value on either side, None where it has none."""

    key: Key
    path: Names
    was: Any
    now: Any


@dataclass(frozen=True)
class Move:
    """A value of the large document that a document of its own has from now on, equal and complete."""

    old: Names
    key: Key
    new: tuple[Names, ...]
    """Where it stands in that document: one path, or one for each part of a value that is taken apart."""


def moves(changed: Iterable[Changed]) -> list[Move]:
    """The values that move. Values are compared as they are, so a secret or a long text moves only if it is equal."""
    fields = list(changed)
    added: _Added = {(each.key, each.path): each.now for each in fields if each.key != LEGACY and each.was is None}
    found: list[Move] = []
    for each in fields:
        if each.key == LEGACY and each.now is None:
            moved = list(_elements(each, added)) or list(_file(each, added)) or list(_whole(each, added))
            for move in moved:
                for path in move.new:
                    del added[move.key, path]
            found += moved
    return found


def replaced_field(path: str) -> str:
    """The field of the large document, by its dotted path, that documents replace: it or one above; else empty."""
    fields = [field for of in REPLACED.values() for field in of if f"{path}.".startswith(f"{field}.")]
    return max(fields, key=len, default="")


def _whole(each: Changed, added: _Added) -> Iterator[Move]:
    """A value that stands at one place of a document."""
    for kind, tail, exact in _places(each.path):
        for key, path in added:
            ends = path == tail if exact else path[-len(tail) :] == tail
            if key[0] == kind and ends and _equal(each.was, added[key, path]):
                yield Move(each.path, key, (path,))
                return


def _elements(each: Changed, added: _Added) -> Iterator[Move]:
    """A list whose elements each become a document of the element's name. Nothing if one of them does not."""
    elements = each.was if isinstance(each.was, list) else []
    if not all(isinstance(element, Mapping) and "name" in element for element in elements):
        return
    found = []
    for element in elements:
        values = dict(_values((), {name: value for name, value in element.items() if name != "name"}))
        keys = [(kind, str(element["name"])) for kind in _kinds(each.path)]
        fits = [key for key in keys if values and all(_has(added, key, *value) for value in values.items())]
        found += [Move(each.path, key, tuple(values)) for key in fits[:1]]
    if len({move.key for move in found}) == len(elements):
        yield from found


def _file(each: Changed, added: _Added) -> Iterator[Move]:
    """The one file with containerd's settings, which a document has as its content."""
    files = each.was if each.path == ("machine", "files") and isinstance(each.was, list) else []
    if len(files) == 1 and isinstance(files[0], Mapping) and files[0].get("path") == containerd.PART:
        content = files[0].get("content")
        for key, path in added:
            if path == ("content",) and key[0] == "CRICustomizationConfig" and _has(added, key, path, content):
                yield Move(each.path, key, (path,))
                return


def _has(added: _Added, key: Key, path: Names, value: Any) -> bool:
    return (key, path) in added and _equal(added[key, path], value)


def _values(path: Names, value: Any) -> Iterator[tuple[Names, Any]]:
    if isinstance(value, Mapping) and value:
        for name in value:
            yield from _values((*path, str(name)), value[name])
    else:
        yield path, value


def _places(path: Names) -> Iterator[tuple[str, Names, bool]]:
    """Kind of document, the path or its end, and whether it is the whole path, where a value may stand from now on."""
    dotted = ".".join(path)
    for old, (kind, name) in MOVED.items():
        if f"{dotted}.".startswith(f"{old}."):
            yield kind, (name, *path[old.count(".") + 1 :]), True
            return
    if field := replaced_field(dotted):
        below = path[field.count(".") + 1 :]
        for kind in _kinds(path):
            yield kind, below or path[-1:], False


def _kinds(path: Names) -> tuple[str, ...]:
    field = replaced_field(".".join(path))
    return next((of[field] for of in REPLACED.values() if field in of), ())


def _equal(one: Any, other: Any) -> bool:
    """Whether two values are the same: true is not 1."""
    return type(one) is type(other) and bool(one == other)
