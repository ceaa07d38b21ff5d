"""How a faulty stack file is reported: one line per fault, with the place, the fault, the reason and the remedy."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from pydantic_core import PydanticCustomError

from core.printable import LINE_CHARACTERS, printable

ROOT = "platform"


class Sentence(str):
    """A fault's text, and the three parts that it was made of."""

    __slots__ = ("instead", "what", "why")
    what: str
    why: str
    instead: str

    def __new__(cls, what: str, why: str, instead: str) -> "Sentence":
        """The text of a fault: what is wrong, why it matters, what to write instead."""
        what, why, instead = map(without_password, (what, why, instead))
        text = super().__new__(cls, f"{what}; {why}; {instead}")
        text.what, text.why, text.instead = what, why, instead
        return text

    @classmethod
    def of(cls, text: str) -> "Sentence":
        """The parts of a text; of one that was not made of parts, as its semicolons divide it."""
        if isinstance(text, cls):
            return text
        what, _, rest = text.partition("; ")
        why, _, instead = rest.rpartition("; ")
        return cls(what, why, instead)


@dataclass(frozen=True)
class Place:
    """Where a key or an entry of a list stands in a file."""

    file: str
    line: int
    """From 1."""
    column: int
    """From 1, counted in characters."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, order=True)
class Fault:
    """One fault of a stack file."""

    path: tuple[str, ...]
    """Keys from the platform down to the faulty value."""
    text: str
    surplus: bool = field(default=False, compare=False)
    """The fault is an unknown key: without it, the mapping around it is valid."""
    absent: bool = field(default=False, compare=False)
    """The fault is a missing key."""
    root: str = ROOT
    """What the path starts from; empty for a key beside the platform."""
    at: Place | None = field(default=None, compare=False)
    """The place of the key in its file, or of what should contain it; None where no file was read."""

    @property
    def where(self) -> str:
        """The path as messages write it, such as `platform.vms.web`; empty if the fault is the file's as a whole."""
        keys = (part if part and part.isprintable() else repr(part) for part in self.path)
        return visible(without_password(".".join(key for key in (self.root, *keys) if key)))

    def __str__(self) -> str:
        place, where = (f"{each}: " if each else "" for each in (self.at, self.where))
        return printable(visible(f"{place}{where}{without_password(self.text)}"), LINE_CHARACTERS)


# A digest after an image's tag looks alike.
_PASSWORD = re.compile(r"[^\s/@:'\"]*:[^\s/@'\"]+@(?!sha256:)")


# Behind the question mark or the number sign of an address, every value may be a token.
_QUERY = re.compile(r"([?&#][\w.-]{1,60}=)[^\s&'\"]+")


def without_password(text: str) -> str:
    """The text without user:password@ and ?name=value, wherever a faulty value or key is repeated with one."""
    text = _PASSWORD.sub("(hidden)@", text) if "@" in text else text
    return _QUERY.sub(r"\1(hidden)", text) if "=" in text else text


class StackFileError(Exception):
    """The stack file can't be used. Carries every fault that was found, in the order of the file's paths."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        super().__init__("\n".join(map(str, self.faults)))

    @property
    def report(self) -> str:
        """What a person reads: how many faults there are, and one line for each."""
        count = len(self.faults)
        return f"the stack file has {count} fault{'' if count == 1 else 's'}\n{self}"


def visible(text: str) -> str:
    r"""The text with an escape for each letter or digit that looks like another one, such as a Cyrillic \u043e.

    Western letters such as ü stay as they are, and so does punctuation of our own such as …
    """
    if text.isascii():
        return text
    return "".join(_escape(ord(each)) if _deceives(each) else each for each in text)


def _escape(code: int) -> str:
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _deceives(character: str) -> bool:
    """Whether it is a letter, a digit or a mark beyond the alphabets of Western Europe."""
    return ord(character) > 0x24F and unicodedata.category(character)[0] in "LNM"


def shown(value: Any) -> str:
    """A value as messages show it: a short plain one as it is written, of any other what it is."""
    # Short plain values alone: a block of text or a mapping may contain a secret, so only its type is shown.
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str) and len(value) <= 40 and "\n" not in value:
        return repr(value)
    return f"this {kind(value)}"


def kind(value: Any) -> str:
    """What a value is, in a word."""
    match value:
        case bool():
            return "true/false value"
        case int() | float():
            return "number"
        case str():
            return "text"
        case Mapping():
            return "mapping"
        case Sequence():
            return "list"
        case None:
            return "missing value"
        case _:
            return type(value).__name__


def refuse(what: str, why: str, instead: str) -> NoReturn:
    """End a field's validation with a message of our own. Never pass a value that could be a secret.

    Raises PydanticCustomError.
    """
    raise PydanticCustomError("refused", "{text}", {"text": sentence(what, why, instead)})


def sentence(what: str, why: str, instead: str) -> Sentence:
    """The form of every fault: what is wrong, why it matters, what to write instead."""
    return Sentence(what, why, instead)


def fault(path: tuple[str, ...], what: str, why: str, instead: str) -> Fault:
    """A fault at a path."""
    return Fault(path, sentence(what, why, instead))
