"""The value of a parsed YAML document, and all that is wrong with it at once.

The engine reads a stack file too, and hands the program its values. Both must read one file alike, so what the engine
hands on as something else, or loses, is refused: a key that a mapping has twice, a date without quotes, a set.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from .faults import Sentence, sentence
from .yamlscalars import refusal, scalar

PLAIN = "!plain"
"""The tag of a scalar without quotes, which no constructor has read."""
MERGE = "tag:yaml.org,2002:merge"
_YAML = "tag:yaml.org,2002:"
_TEXT = f"{_YAML}str"
_SCALARS = {f"{_YAML}int": int, f"{_YAML}float": float, f"{_YAML}bool": bool, f"{_YAML}null": type(None)}
_COLLECTIONS = frozenset((f"{_YAML}map", f"{_YAML}seq", "!"))
_SHOWN = 63
# Credentials in plain text are refused, and that message too has no part of them.
_CREDENTIALS = frozenset(("bedplate:matchbox", "bedplate:bmc", "bedplate:registries"))
_SECRET = re.compile(r"passw|passphrase|secret|token|credential|key$|psk|pin$", re.IGNORECASE)
_CONCEALED = sentence(
    "is a number or a date without quotes, which YAML reads as another one",
    "the engine would hand on another text",
    "put it in quotes",
)


@dataclass(frozen=True)
class Flaw:
    """One thing in a document that can't be read reliably."""

    path: tuple[str, ...]
    text: Sentence
    mark: Any = None
    """Where it stands; None if it is the value of a key, which the path leads to."""


@dataclass
class Reading:
    """One document as it is read."""

    flaws: list[Flaw] = field(default_factory=list)
    _path: list[str] = field(default_factory=list)
    # A collection's node -> its value: an alias is read once.
    _made: dict[int, Any] = field(default_factory=dict)

    def value(self, node: Any) -> Any:
        """The value of a node. What is refused has a value too, so that the rest can be checked."""
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if id(node) not in self._made:
            if node.tag not in _COLLECTIONS:
                self._flaw(*_tagged(node))
            is_list = isinstance(node, yaml.SequenceNode)
            self._made[id(node)] = self._list(node) if is_list else self._mapping(node)
        return self._made[id(node)]

    def _scalar(self, node: Any) -> Any:
        if node.tag == PLAIN:
            text = node.value
            if refused := refusal(text):
                refused = _CONCEALED if self._may_be_secret() else refused
                self._flaw(refused.what, refused.why, refused.instead)
                return text
            return scalar(text)
        if node.tag in (_TEXT, MERGE, "!"):
            return node.value
        value = scalar(node.value)
        if not isinstance(value, _SCALARS.get(node.tag, ())):
            self._flaw(*_tagged(node))
            return node.value
        return value

    def _may_be_secret(self) -> bool:
        """Whether the value that is read now may be a secret, which no message repeats."""
        names = (*self._path[:2], *self._path[-1:])
        return any(_SECRET.search(name) or name in _CREDENTIALS for name in names)

    def _list(self, node: Any) -> list[Any]:
        return [self._below(str(index), entry) for index, entry in enumerate(node.value)]

    def _below(self, key: str, node: Any) -> Any:
        self._path.append(key)
        value = self.value(node)
        self._path.pop()
        return value

    def _mapping(self, node: Any) -> dict[str, Any]:
        value: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key, inner in node.value:
            merges = key.tag == MERGE
            name = "<<" if merges else self._name(key)
            if name is None:
                continue
            if name in lines:
                self._path.append(name)
                self._flaw_of_key(key, *_twice(name, lines[name]))
                self._path.pop()
                continue
            lines[name] = key.start_mark.line + 1
            if merges:
                # Its own keys win, wherever they stand.
                value = {**self._merged(inner), **value}
            else:
                value[name] = self._below(name, inner)
        return value

    def _merged(self, node: Any) -> dict[str, Any]:
        """What `<<` puts into a mapping: a mapping, or a list of mappings of which the first wins."""
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[str, Any] = {}
        for source in reversed(sources):
            if isinstance(source, yaml.MappingNode):
                merged |= self.value(source)
            else:
                self._flaw("<< does not name a mapping", "only keys can be merged", "write <<: *NAME of a mapping")
        return merged

    def _name(self, node: Any) -> str | None:
        """A key as the engine hands it on, which is a text; None for one that is no text, which is a flaw."""
        key = key_of(node)
        if key is None:
            shown = node.value[:_SHOWN] if isinstance(node, yaml.ScalarNode) else "?"
            self._path.append(shown or "~")
            self._flaw_of_key(
                node,
                "is not a name" if shown else "a name is missing",
                "YAML reads it as no text, and the engine would hand on another key",
                "write a name before the colon, in quotes unless it starts with a letter",
            )
            self._path.pop()
        elif node.tag == PLAIN and (refused := refusal(node.value)):
            self._path.append(key)
            self._flaw_of_key(node, refused.what, refused.why, f"write '{node.value}' in quotes")
            self._path.pop()
        return key

    def _flaw(self, what: str, why: str, instead: str) -> None:
        self.flaws.append(Flaw(tuple(self._path), sentence(what, why, instead)))

    def _flaw_of_key(self, key: Any, what: str, why: str, instead: str) -> None:
        self.flaws.append(Flaw(tuple(self._path), sentence(what, why, instead), key.start_mark))


def key_of(node: Any) -> str | None:
    """The key that the engine makes of a node: a text; None of what is neither a text, an integer nor a boolean."""
    if not isinstance(node, yaml.ScalarNode):
        return None
    key = scalar(node.value) if node.tag == PLAIN or node.tag in _SCALARS else node.value
    if isinstance(key, bool):
        return str(key).lower()
    if isinstance(key, str | int):
        return str(key)
    return None


def _twice(name: str, line: int) -> tuple[str, str, str]:
    return (
        f"is defined twice, before in line {line}",
        "one of the two values would be lost",
        "rename one of the keys, or remove it" if len(name) <= _SHOWN else "remove one of the keys",
    )


def _tagged(node: Any) -> tuple[str, str, str]:
    tag = f"!!{node.tag.removeprefix(_YAML)}" if node.tag.startswith(_YAML) else node.tag
    return (
        f"has the tag {tag[:_SHOWN]}",
        "the engine would hand the program another value",
        "remove the tag, and write a text, a number, a list or a mapping",
    )
