"""Whether the value that the engine handed to the program was read from a stack file."""

from collections.abc import Mapping
from typing import Any

from core.model.envelope import KEY, config_of
from core.model.yamlfile import Document


def is_read_from(raw: Any, found: Document) -> bool:
    """Whether the engine's value is the file's: equal, but for what the file encrypts or the engine reads otherwise."""
    value = config_of(found.value).get(KEY)
    unreliable = {fault.path for fault in found.faults}
    return value == raw or _same(value, raw, (), unreliable)


def _same(value: Any, raw: Any, path: tuple[str, ...], unreliable: set[tuple[str, ...]]) -> bool:
    if (path in unreliable and path) or _is_encrypted(value) or value == raw:
        return True
    if isinstance(value, Mapping) and isinstance(raw, Mapping):
        doubtful = {each[len(path)] for each in unreliable if each[: len(path)] == path and len(each) > len(path)}
        if (value.keys() ^ raw.keys()) - doubtful and not any(key not in value for key in doubtful):
            return False
        return all(_same(value[key], raw[key], (*path, key), unreliable) for key in value.keys() & raw.keys())
    if isinstance(value, list) and isinstance(raw, list) and len(value) == len(raw):
        return all(_same(a, b, (*path, str(i)), unreliable) for i, (a, b) in enumerate(zip(value, raw, strict=True)))
    return False


def _is_encrypted(value: Any) -> bool:
    return isinstance(value, Mapping) and set(value) == {"secure"}
