"""Documents in a form in which two of them are equal if Talos makes the same of both, however they are spelled."""

import re
from collections.abc import Mapping
from typing import Any

from core.facts.document_fields import Shape, shapes
from core.facts.sysctls import dotted
from core.facts.versions import CONTRACTS, Minor
from core.machineconfig.fields import fields
from core.machineconfig.merge import LEGACY, Document, Key
from core.machineconfig.rule import Field, Rule
from core.machineconfig.written import duration

from .defaults import UNSET, Path
from .volumes import size_bytes

_EMPTY: tuple[Any, ...] = (None, "", [], {})
_SIZES = ("minSize", "maxSize")
# Mappings whose keys are names of kernel parameters, by kind of document.
_SYSCTLS: Mapping[str, Path] = {"": ("machine", "sysctls"), "SysctlConfig": ("params",)}
_FILE_MODE = re.compile(r"0o?[0-7]{1,11}")
# What Talos does not read: which document it is, and a field without a meaning.
_UNREAD = frozenset({"apiVersion", "kind", "name", "version", "persist"})


def normal(key: Key, document: Document, release: Minor) -> Document:
    """The fields of a document without those that say what Talos takes anyway; release: of Talos.

    Durations are in seconds, sizes of volumes in bytes, and a text is a text whether it stands in quotes or not.
    """
    kind = _kind(key)
    body = {field: value for field, value in document.items() if field not in _UNREAD}
    made = _value(kind, (), body, shapes(release).get(kind, {}), fields(kind, CONTRACTS[-1]))
    return dict(made or {})


def place(key: Key, path: Path) -> Path:
    """Where the normal form of a document has the field at this path of the document."""
    above = _SYSCTLS.get(_kind(key))
    if above is not None and len(path) == len(above) + 1 and path[:-1] == above:
        return (*above, dotted(path[-1]))
    return path


def _kind(key: Key) -> str:
    return "" if key == LEGACY else key[0]


def _value(kind: str, path: Path, value: Any, shape: Shape, known: Field) -> Any:
    """The normal form of the value at a path, in which * stands for any key and [] for any entry of a list."""
    if isinstance(value, Mapping) and shape != "any":
        return _mapping(kind, path, value, shape if isinstance(shape, dict) else {}, known)
    if isinstance(value, list | tuple):
        inner = shape.get("[]", {}) if isinstance(shape, dict) else shape
        return [_value(kind, (*path, "[]"), each, inner, known.at("[]")) for each in value]
    if known.rule is Rule.DURATION:
        return duration(value)
    if path[-1] in _SIZES and isinstance(value, str):
        return size_bytes(value) or value
    if path[-1] == "permissions" and isinstance(value, str) and _FILE_MODE.fullmatch(value):
        return int(value.removeprefix("0o"), 8)
    if shape == "string" and isinstance(value, bool | int | float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return value


def _mapping(kind: str, path: Path, value: Mapping[str, Any], shape: Mapping[str, Shape], known: Field) -> Any:
    made = {}
    for name, each in value.items():
        free = name not in shape and "*" in shape
        below = (*path, "*" if free else name)
        inner = _value(kind, below, each, shape.get(name, shape.get("*", {})), known.at(str(name)))
        if not _counts(inner, free, path):
            continue
        if (kind, below) not in UNSET or not _same(inner, UNSET[kind, below]):
            made[dotted(str(name)) if path == _SYSCTLS.get(kind) else name] = inner
    return made


def _counts(value: Any, free: bool, path: Path) -> bool:
    """Whether it matters that a value is there.

    An empty text does where any key may stand, as in labels, and an empty mapping within an entry of a list, which it
    gives its kind, as nodeID does to a disk's key.
    """
    return value not in _EMPTY or (free and value == "") or ("[]" in path and value == {})


def _same(one: Any, other: Any) -> bool:
    """Whether two values are equal: true is not 1."""
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)
