"""A whole config in the form in which Talos writes it, so that two texts of one config compare as equal."""

import re
from typing import Any

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
    written = _without_empty(document, fields("" if key == LEGACY else key[0], CONTRACTS[-1]))
    if key == LEGACY and isinstance(machine := written.get("machine"), dict):
        for file in machine.get("files") or ():
            mode = file.get("permissions") if isinstance(file, dict) else None
            if isinstance(mode, str) and _FILE_MODE.fullmatch(mode):
                file["permissions"] = int(mode[2:], 8)
    return dict(written)


def _without_empty(value: Any, known: Field) -> Any:
    if isinstance(value, dict):
        inner = {key: _without_empty(each, known.at(str(key))) for key, each in value.items()}
        return {key: each for key, each in inner.items() if each not in (None, "", [], {})}
    if isinstance(value, list):
        return [_without_empty(each, known.at("[]")) for each in value]
    return _duration(value) if known.rule is Rule.DURATION else value


def _duration(value: Any) -> Any:
    """A duration in nanoseconds, such as 60s or 1m0s; any other value as it is."""
    parts = _PART.findall(value) if isinstance(value, str) else []
    if not parts or "".join(number + unit for number, unit in parts) != value:
        return value
    return f"{sum(int(number) * _UNITS[unit] for number, unit in parts) / 10**9:g}s"
