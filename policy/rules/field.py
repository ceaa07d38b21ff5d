"""A field of a resource's inputs, read as the type that a rule expects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# The engine's placeholders for values known only after the update, alone or inside a longer string.
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
    """What a merge leaves where a patch has `$patch: delete`: distinguishes deleted from never set."""

    def __repr__(self) -> str:
        return "DELETED"


DELETED = Deleted()


class UnjudgeableField(Exception):
    """A field that can't be judged. Its message names the path and never contains the value."""


class NotKnown(UnjudgeableField):
    """A field whose value is only known after the update."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path or 'the object'} is not known in the plan, so it can't be judged")


class Malformed(UnjudgeableField):
    """A field of another type than the rule expects."""

    def __init__(self, path: str, wanted: str) -> None:
        super().__init__(f"{path or 'the object'} is not {wanted}, so it can't be judged")


def is_unknown(value: Any) -> bool:
    """Whether a value is, or contains, the engine's placeholder for an unknown one."""
    return isinstance(value, str) and UNKNOWN.search(value) is not None


class Field:
    """A value and its path. A missing field reads as None or as empty; one of another type raises `UnjudgeableField`.

    Paths consist of the keys that rules read and of list positions, never of
    keys from the data, so a message that contains a path reveals no secret.
    """

    __slots__ = ("path", "value")

    def __init__(self, value: Any, path: str = "") -> None:
        self.value = value
        self.path = path

    def __getitem__(self, key: str) -> Field:
        if self.deleted:
            return Field(DELETED, _join(self.path, key))  # What is below a deleted field is deleted with it.
        mapping = self._mapping()
        return Field(None if mapping is None else mapping.get(key), _join(self.path, key))

    def at(self, *keys: str) -> Field:
        """The field at this path of keys."""
        here = self
        for key in keys:
            here = here[key]
        return here

    @property
    def given(self) -> bool:
        """Whether the field is there: neither absent nor deleted by a patch."""
        return self.value is not None and self.value is not DELETED

    @property
    def deleted(self) -> bool:
        """Whether a patch deleted the field."""
        return self.value is DELETED

    @property
    def unknown(self) -> bool:
        """Whether the value is only known after the update."""
        return is_unknown(self.value)

    def text(self) -> str | None:
        """The value as a string; None where it is absent."""
        text: str | None = self._read(str, "text")
        return text

    def flag(self) -> bool | None:
        """The value as a boolean; None where it is absent."""
        flag: bool | None = self._read(bool, "true or false")
        return flag

    def number(self) -> float | None:
        """The value as a number, in the field's own unit; None where it is absent.

        Raises Malformed for a boolean.
        """
        if isinstance(self.value, bool):
            raise Malformed(self.path, "a number")
        number: float | None = self._read((int, float), "a number")
        return number

    def scalar(self) -> str | None:
        """A string, number or boolean as it is written on a command line; None where it is absent."""
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        if isinstance(self.value, float) and self.value.is_integer():
            return str(int(self.value))
        value = self._read((str, int, float), "a text, number or flag")
        return None if value is None else str(value)

    def items(self) -> list[Field]:
        """Each item of the list; empty where the list is absent."""
        values = self._read(list, "a list")
        return [Field(item, f"{self.path}[{n}]") for n, item in enumerate(values or ())]

    def texts(self) -> list[str]:
        """Each item that is a string; empty where the list is absent."""
        return [text for item in self.items() if (text := item.text()) is not None]

    def entries(self) -> list[tuple[str, Field]]:
        """Each key with its field. The path contains the position, because a key can be secret."""
        mapping = self._mapping() or {}
        return [(str(key), Field(value, f"{self.path}.<{n}>")) for n, (key, value) in enumerate(mapping.items())]

    def _mapping(self) -> Mapping[str, Any] | None:
        mapping: Mapping[str, Any] | None = self._read(Mapping, "a mapping")
        return mapping

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
