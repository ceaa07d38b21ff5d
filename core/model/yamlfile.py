"""Reads a YAML file, within limits: its value as the engine reads it, where each key stands, and all that is wrong."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from . import yamlbounds, yamltext
from .faults import Fault, Place, StackFileError, sentence
from .yamlvalues import MERGE, PLAIN, Reading, key_of

# libyaml where the wheel contains it: ten times as fast on a large stack file.
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class NoFileError(StackFileError):
    """A file that can't be opened, or is no regular file."""

    def __init__(self, name: str, what: str, otherwise: str) -> None:
        """Name: the file as messages call it. what, otherwise: the first two parts of the message."""
        self.text = sentence(f"{name} {what}", otherwise, "write the path of a YAML file in the checkout")
        super().__init__([Fault((), self.text, root="")])


class _Loader(_Base):  # type: ignore[misc]  # Which of the two classes it is depends on the wheel.
    """Parses, and leaves scalars without quotes as they are written."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is yaml.ScalarNode and implicit[0]:
            return MERGE if value == "<<" else PLAIN
        return super().resolve(kind, value, implicit)


@dataclass(frozen=True, kw_only=True)
class Document:
    """A YAML file that was read."""

    name: str
    """The file as messages call it."""
    value: Any
    """Its first document."""
    faults: tuple[Fault, ...] = ()
    """What can't be read reliably. Their paths start at the top of the file."""
    version: tuple[int, int] | None = None
    """The version of its %YAML directive."""
    _root: Any = None
    _keys: dict[int, dict[str, tuple[Any, Any]]] = field(default_factory=dict)
    """A mapping's node -> its keys, each with its own node and that of its value."""

    def place(self, path: tuple[str, ...]) -> tuple[Place, int]:
        """The place of a key, or of the last key above it that the file has, and how many parts of the path it has."""
        node, mark, depth = self._root, None, 0
        if node is None:
            return Place(self.name, 1, 1), 0
        for part in path:
            found = self._below(node, part)
            if found is None:
                break
            mark, node = found
            depth += 1
        return _place(self.name, mark or self._root.start_mark), depth

    def _below(self, node: Any, part: str) -> tuple[Any, Any] | None:
        """The mark of a key or an entry, and the node of its value."""
        if isinstance(node, yaml.SequenceNode):
            index = int(part) if part.isascii() and part.isdecimal() and len(part) < 10 else len(node.value)
            return (node.value[index].start_mark, node.value[index]) if index < len(node.value) else None
        if not isinstance(node, yaml.MappingNode):
            return None
        if id(node) not in self._keys:
            self._keys[id(node)] = _keys_of(node)
        found = self._keys[id(node)].get(part)
        return (found[0].start_mark, found[1]) if found else None


def _keys_of(node: Any) -> dict[str, tuple[Any, Any]]:
    """The keys of a mapping, with those that it merges in."""
    own: dict[str, tuple[Any, Any]] = {}
    merged: dict[str, tuple[Any, Any]] = {}
    for key, value in node.value:
        if key.tag != MERGE:
            name = key_of(key)
            own.setdefault("~" if name is None else name, (key, value))
            continue
        for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
            if isinstance(source, yaml.MappingNode):
                merged = {**_keys_of(source), **merged}
    return {**merged, **own}


def document(file: Path, name: str, otherwise: str) -> Document:
    """A YAML file, with what is wrong in it.

    name: the file as messages call it. otherwise: what a file that can't be read would lead to, for the message.
    Raises StackFileError with one fault where the file is not YAML, or is beyond the limits; NoFileError for no file.
    """
    try:
        text = yamltext.read(file)
        documents = yamlbounds.check(yaml.parse(text, _Loader))
        loader = _Loader(text)
        try:
            root = loader.get_node() if loader.check_node() else None
        finally:
            loader.dispose()
    except yamltext.UnreadableTextError as error:
        if not error.line:
            raise NoFileError(name, f"can't be read ({error})", otherwise) from None
        raise _unreadable(
            name, f"the file can't be read ({error})", otherwise, "save it as UTF-8 text", error.line
        ) from None
    except yamlbounds.BeyondBoundsError as error:
        why = "no platform needs that, and reading it could take all memory"
        instead = "write the values out, or divide them among files under include:"
        raise _unreadable(name, f"the file {error.problem}", why, instead, _line(error)) from None
    except yaml.YAMLError as error:
        what, why = f"the file is not YAML: {yamltext.problem(error)}", "nothing in it can be read reliably"
        raise _unreadable(name, what, why, "correct this line or the one above it", _line(error)) from None
    reading = Reading()
    value = None if root is None else reading.value(root)
    found = Document(name=name, value=value, version=documents.version, _root=root)
    places = (_place(name, flaw.mark) if flaw.mark else found.place(flaw.path)[0] for flaw in reading.flaws)
    faults = [Fault(flaw.path, flaw.text, at=at) for flaw, at in zip(reading.flaws, places, strict=True)]
    if documents.second:
        faults.append(_second(name, documents.second))
    return replace(found, faults=tuple(faults))


def read(file: Path, name: str, otherwise: str) -> Any:
    """The value of a YAML file. Raises StackFileError with every fault; the parameters are those of `document`."""
    found = document(file, name, otherwise)
    if found.faults:
        raise StackFileError(found.faults)
    return found.value


def _second(name: str, mark: Any) -> Fault:
    what = "a second document starts here, at ---"
    why = "the engine reads the first one alone, so the rest would silently be missing"
    text = sentence(what, why, "remove the line ---, and put what follows under the keys above it")
    return Fault((), text, root="", at=_place(name, mark))


def _unreadable(name: str, what: str, why: str, instead: str, line: int) -> StackFileError:
    return StackFileError([Fault((), sentence(what, why, instead), root="", at=Place(name, line, 1))])


def _place(name: str, mark: Any) -> Place:
    return Place(name, mark.line + 1, mark.column + 1)


def _line(error: yaml.YAMLError) -> int:
    """The line of an error; the first one if the whole file is meant."""
    return int(getattr(getattr(error, "problem_mark", None), "line", 0)) + 1
