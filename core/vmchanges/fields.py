"""The fields in which two objects differ."""

from collections.abc import Iterator, Mapping
from typing import Any


def section(spec: Mapping[str, Any], *keys: str) -> Any:
    """A value deep in an object; an empty mapping where there is none."""
    value: Any = spec
    for key in keys:
        value = (value or {}).get(key)
    return {} if value is None else value


def named(entries: Any) -> dict[str, Any]:
    """The entries of a list by their names."""
    return {entry["name"]: entry for entry in entries or ()}


def differing(old: Any, new: Any, path: str) -> Iterator[str]:
    """The paths of what differs, as deep as both have it. Entries of lists go by their names."""
    if old == new:
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            yield from differing(old.get(key), new.get(key), f"{path}.{key}" if path else key)
    elif _has_names(old) and _has_names(new) and set(named(old)) == set(named(new)) and [*named(old)] == [*named(new)]:
        for name, entry in named(old).items():
            yield from differing(entry, named(new)[name], f"{path}[{name}]")
    else:
        yield path


def _has_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, Mapping) and "name" in entry for entry in value)
