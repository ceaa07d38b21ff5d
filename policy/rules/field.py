"""A place in a resource's inputs: reads it as what a rule expects, or says why it can't."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# The engine's stand-ins for "known after the update", alone or inside a longer text.
UNKNOWN = re.compile(
    "04da6b54-80e4-46f7-96ec-b56ff0331ba9"  # string
    "|1c4a061d-8072-4f0a-a4cb-0ff528b18fe7"  # boolean
    "|3eeb2bf0-c639-47a8-9e75-3b44932eb421"  # number
    "|6a19a0b0-7e62-4c92-b797-7f8e31da9cc2"  # list
    "|dd056dcd-154b-4c76-9bd3-c8f88648b5ff"  # mapping
    "|030794c1-ac77-496b-92df-f27374a8bd58"  # asset
    "|e48ece36-62e2-4504-bad9-02848725956a"  # archive
)


class Deleted:
    """What a merge leaves where a patch said `$patch: delete`: nothing to read, but not untouched."""

    def __repr__(self) -> str:
        return "DELETED"


DELETED = Deleted()


class Fault(Exception):
    """A field that can't be judged. Its text names the place and never contains the value."""


class NotKnown(Fault):
    def __init__(self, path: str) -> None:
        super().__init__(f"{path or 'the object'} is not known in the plan, so it can't be judged")


class Malformed(Fault):
    def __init__(self, path: str, wanted: str) -> None:
        super().__init__(f"{path or 'the object'} is not {wanted}, so it can't be judged")


def is_unknown(value: Any) -> bool:
    return isinstance(value, str) and UNKNOWN.search(value) is not None


class Field:
    """Reading never fails on absence: a missing field reads as None, or as empty.

    Paths are made of the keys that rules ask for and of list positions, never of
    keys found in the data, so a message built from a path contains nothing secret.
    """

    __slots__ = ("path", "value")

    def __init__(self, value: Any, path: str = "") -> None:
        self.value = value
        self.path = path

    def __getitem__(self, key: str) -> Field:
        mapping = self._mapping()
        return Field(None if mapping is None else mapping.get(key), _join(self.path, key))

    def at(self, *keys: str) -> Field:
        here = self
        for key in keys:
            here = here[key]
        return here

    @property
    def given(self) -> bool:
        return self.value is not None and self.value is not DELETED

    @property
    def deleted(self) -> bool:
        return self.value is DELETED

    @property
    def unknown(self) -> bool:
        return is_unknown(self.value)

    def text(self) -> str | None:
        return self._read(str, "text")

    def flag(self) -> bool | None:
        return self._read(bool, "true or false")

    def number(self) -> float | None:
        if isinstance(self.value, bool):
            raise Malformed(self.path, "a number")
        return self._read((int, float), "a number")

    def scalar(self) -> str | None:
        """A text, number or flag as the text a command line would show."""
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        if isinstance(self.value, float) and self.value.is_integer():
            return str(int(self.value))
        found = self._read((str, int, float), "a text, number or flag")
        return None if found is None else str(found)

    def items(self) -> list[Field]:
        found = self._read(list, "a list")
        return [Field(item, f"{self.path}[{n}]") for n, item in enumerate(found or ())]

    def texts(self) -> list[str]:
        return [text for item in self.items() if (text := item.text()) is not None]

    def entries(self) -> list[tuple[str, Field]]:
        """Each key with its field. The path shows a position: keys can be anybody's data."""
        mapping = self._mapping() or {}
        return [(str(key), Field(value, f"{self.path}.<{n}>")) for n, (key, value) in enumerate(mapping.items())]

    def _mapping(self) -> Mapping[str, Any] | None:
        return self._read(Mapping, "a mapping")

    def _read(self, kind: Any, wanted: str) -> Any:
        if not self.given:
            return None
        if is_unknown(self.value):
            raise NotKnown(self.path)
        if not isinstance(self.value, kind):
            raise Malformed(self.path, wanted)
        return self.value


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
