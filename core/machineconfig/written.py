"""A whole config in the form in which Talos writes it, so that two texts of one config compare as equal."""

import re
from typing import Any

from core.facts.document_fields import Shape, shapes
from core.facts.versions import CONTRACTS

from .fields import fields
from .merge import LEGACY, Document, Key
from .rule import Field, Rule

_UNITS = {"h": 3600 * 10**9, "m": 60 * 10**9, "s": 10**9, "ms": 10**6, "us": 10**3, "µs": 10**3, "ns": 1}
_PART = re.compile(r"(\d+)(h|ms|m|s|us|µs|ns)")
_FILE_MODE = re.compile(r"0o[0-7]{1,11}")


def as_written(key: Key, document: Document) -> Document:
    """The document of this key without empty values, its durations and file modes as Talos writes them.

    Talos writes a config anew when somebody patches it by hand.
    """
    kind = "" if key == LEGACY else key[0]
    shape = shapes(CONTRACTS[-1]).get(kind, {})
    written = _without_empty(document, fields(kind, CONTRACTS[-1]), shape)
    if key == LEGACY and isinstance(machine := written.get("machine"), dict):
        for file in machine.get("files") or ():
            mode = file.get("permissions") if isinstance(file, dict) else None
            if isinstance(mode, str) and _FILE_MODE.fullmatch(mode):
                file["permissions"] = int(mode[2:], 8)
    return dict(written)


def _without_empty(value: Any, known: Field, shape: Shape, in_list: bool = False) -> Any:
    """The value without empty ones, which Talos does not write.

    It does write the empty text of a key that is free, such as a label's, and in an entry of a list the empty mapping
    that says of which kind the entry is, such as nodeID of a disk's key.
    """
    if isinstance(value, dict):
        inner = {
            key: _without_empty(each, known.at(str(key)), _below(shape, key), in_list) for key, each in value.items()
        }
        free = isinstance(shape, dict) and "*" in shape
        return {key: each for key, each in inner.items() if _is_written(each, free and key not in shape, in_list)}
    if isinstance(value, list):
        return [_without_empty(each, known.at("[]"), _below(shape, "[]"), True) for each in value]
    return duration(value) if known.rule is Rule.DURATION else value


def _below(shape: Shape, key: str) -> Shape:
    """The shape of the value of a key, or of an entry of a list."""
    if not isinstance(shape, dict):
        return {}
    found: Shape = shape[key if key in shape else "*"] if key in shape or "*" in shape else {}
    return found


def _is_written(value: Any, free: bool, in_list: bool) -> bool:
    return value not in (None, "", [], {}) or (free and value == "") or (in_list and value == {})


def duration(value: Any) -> Any:
    """A duration in nanoseconds, such as 60s or 1m0s; any other value as it is."""
    parts = _PART.findall(value) if isinstance(value, str) else []
    if not parts or "".join(number + unit for number, unit in parts) != value:
        return value
    return f"{sum(int(number) * _UNITS[unit] for number, unit in parts) / 10**9:g}s"
