"""The type of texts: a pattern that a whole text must match, and no character that a reader would not see."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BeforeValidator, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from core.facts.characters import invisible

from .faults import refuse


@dataclass(frozen=True)
class Pattern:
    """A regular expression that a whole text must match, and the message for a text that does not."""

    pattern: str
    what: str
    """What the text should be: "a DNS label"."""
    why: str
    instead: str
    private: bool = False
    """The text is never repeated, because what is pasted here by mistake may be a secret."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^(?:{self.pattern})$"}

    def _check(self, value: Any) -> Any:
        # Digits are those of ASCII, and no pattern lets a character through that a reader would not see.
        if isinstance(value, str) and (invisible(value) or not re.fullmatch(self.pattern, value, re.ASCII)):
            shown = len(value) <= 80 and not self.private and not _PASSWORD.search(value)
            refuse(f"{repr(value) if shown else 'this text'} is not {self.what}", self.why, self.instead)
        return value


# user:password@host, in an address or alone; a digest after a tag looks alike.
_PASSWORD = re.compile(r"://[^/?#]*@|:[^/@]*@(?!sha256:)")
_ACTED_ON = "a reader does not see it, and boot loaders, shells and terminals act on it"


def _visible(value: Any) -> Any:
    """Refuse what no reader sees in a text, at any depth of a mapping or a list, keys included."""
    for path, text, is_key in _texts(value):
        # A plan shows keys as they are, so a line break in one would begin a line of its own there.
        if found := invisible(text, lines=not is_key):
            where = f"{path} contains" if path else "contains"
            refuse(f"{where} the character {found}", _ACTED_ON, "remove it, or write the text in base64")
    return value


def _texts(value: Any, path: str = "") -> Iterator[tuple[str, str, bool]]:
    """Each text in a value, as its path, itself, and whether it is a key."""
    if isinstance(value, str):
        yield path, value, False
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            below = f"{path}.{key}".removeprefix(".") if str(key).isprintable() else path
            yield below, str(key), True
            yield from _texts(inner, below)
    elif isinstance(value, Sequence):
        for index, inner in enumerate(value):
            yield from _texts(inner, f"{path}.{index}".removeprefix("."))


Visible = BeforeValidator(_visible)
"""For texts of several lines, and mappings of them: no control character but line breaks and tabs, and none in keys."""
