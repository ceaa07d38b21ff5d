"""The type of texts: a pattern that a whole text must match, and no character that a reader would not see."""

import re
import unicodedata
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
            detail = None if self._may_be_secret(value) else self._detail(value)
            refuse(f"{self._shown(value)} is not {self.what}{f': {detail}' if detail else ''}", self.why, self.instead)
        return value

    def _detail(self, value: str) -> str | None:
        """Which part of a refused text is wrong; None where the whole is."""
        return foreign(value) if self._is_foreign(value) else None

    def _shown(self, value: str) -> str:
        if len(value) > 80 or self._may_be_secret(value):
            return "this text"
        return repr(value)

    def _may_be_secret(self, value: str) -> bool:
        return self.private or _PASSWORD.search(value) is not None

    def _is_foreign(self, value: str) -> bool:
        """Whether characters outside ASCII are all that is wrong: a letter or a digit in their place would be right."""
        return not value.isascii() and any(
            re.fullmatch(self.pattern, re.sub("[^\x00-\x7f]", plain, value), re.ASCII) for plain in "a1A"
        )


def foreign(text: str) -> str | None:
    """The first character outside ASCII by its number and its name in Unicode; None where there is none.

    Many of them look like one of ASCII: the Cyrillic О, the full-width １.
    """
    found = next((c for c in text if not c.isascii()), None)
    return f"it contains U+{ord(found):04X} {unicodedata.name(found, '(unnamed)')}" if found else None


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
