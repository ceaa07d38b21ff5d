"""A part of a machine's config, whichever form it is written in: fields of the large document, or a document."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.machineconfig.merge import LEGACY, Documents, Key

from .flags import Flag, values

Origin = Callable[[Key, tuple[str, ...]], str]
"""Where the value at a path of a document comes from."""


@dataclass(frozen=True)
class Section:
    """One mapping of the config, and where in the config it is."""

    value: Mapping[str, Any]
    key: Key
    path: tuple[str, ...]
    origin: Origin

    def get(self, *path: str) -> Any:
        """The value at a path below this one; None where there is none."""
        return at(self.value, *path)

    def texts(self, *path: str) -> list[str]:
        """The list at a path below this one, as texts."""
        found = self.get(*path)
        return [str(each) for each in found] if isinstance(found, list) else []

    def mapping(self, *path: str) -> Mapping[str, Any]:
        """The mapping at a path below this one; empty where there is none."""
        found = self.get(*path)
        return found if isinstance(found, Mapping) else {}

    def flags(self, *path: str) -> dict[str, Flag]:
        """The flags of the mapping at a path below this one."""
        found = self.mapping(*path)
        where = (*self.path, *path)
        return {name: Flag(values(given), self.origin(self.key, (*where, name))) for name, given in found.items()}


@dataclass(frozen=True)
class Config:
    """A machine's merged config."""

    documents: Documents
    origin: Origin

    def section(self, kind: str, *legacy: str) -> Section:
        """The document of that kind, or the fields at that path of the large document where there is none."""
        if (kind, "") in self.documents:
            return Section(self.documents[kind, ""], (kind, ""), (), self.origin)
        found = at(self.documents.get(LEGACY, {}), *legacy)
        return Section(found if isinstance(found, Mapping) else {}, LEGACY, legacy, self.origin)

    def has(self, kind: str) -> bool:
        """Whether there is a document of that kind."""
        return any(of == kind for of, _ in self.documents)


def at(value: Any, *path: str) -> Any:
    """The value at a path of mappings; None where there is none."""
    for part in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value
