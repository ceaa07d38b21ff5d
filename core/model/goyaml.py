"""YAML byte for byte as Go's yaml.v3 writes it with an indent of four: Image Factory hashes these bytes.

PyYAML writes the same document in other bytes (it quotes with ' where Go quotes with "), and other bytes make
another schematic id. Source of the rules: gopkg.in/yaml.v3 v3.0.1, encode.go, resolve.go and emitterc.go.
"""

import re
from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

INDENT = "    "

# Words that YAML 1.1 or 1.2 reads as something other than text, in the spellings that Go quotes.
_SPELLINGS = """
    true True TRUE false False FALSE ~ null Null NULL .nan .NaN .NAN .inf .Inf .INF +.inf +.Inf +.INF
    -.inf -.Inf -.INF y Y yes Yes YES on On ON n N no No NO off Off OFF
"""
_WORDS = frozenset(_SPELLINGS.split())
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))")
# A fraction that starts with its point may have single underscores between digits.
_FRACTION = re.compile(r"\.[0-9]+(_[0-9]+)*([eE][-+]?[0-9]+(_[0-9]+)*)?")
# After these prefixes Go parses the rest as a number of its own, so a sign may follow.
_SIGNED = re.compile(r"0b[-+][01]+|0o[-+][0-7]+")
_SIXTY = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_DATE = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:(?P<with>[Tt]| )(?P<clock>[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2})(?:[.,][0-9]+)?(?P<zone>Z|[-+][0-9]{2}:[0-9]{2})?)?"
)

_LARGEST = {True: 1 << 63, False: (1 << 64) - 1}
# Characters that mean structure at the start of a plain scalar.
_INDICATORS = frozenset("#,[]{}&*!|>'\"%@`")


def dump(value: Mapping[str, Any]) -> str:
    """The YAML of a document of mappings, lists, texts, integers and booleans, with a newline at its end."""
    return "".join(f"{line}\n" for line in _mapping(value, 0))


def _mapping(value: Mapping[str, Any], depth: int) -> Iterator[str]:
    for key, inner in value.items():
        start = f"{INDENT * depth}{scalar(key)}:"
        if isinstance(inner, Mapping) and inner:
            yield start
            yield from _mapping(inner, depth + 1)
        elif isinstance(inner, Sequence) and not isinstance(inner, str) and inner:
            yield start
            yield from _sequence(inner, depth + 1)
        else:
            yield f"{start} {_leaf(inner)}"


def _sequence(value: Sequence[Any], depth: int) -> Iterator[str]:
    for inner in value:
        start = f"{INDENT * depth}- "
        if isinstance(inner, Mapping) and inner:
            first, *rest = _mapping(inner, 0)
            yield f"{start}{first}"
            # Go indents the lines after the dash by two, whatever the indent is.
            yield from (f"{INDENT * depth}  {line}" for line in rest)
        else:
            yield f"{start}{_leaf(inner)}"


def _leaf(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        return "{}"
    return scalar(value) if isinstance(value, str) else "[]"


def scalar(text: str) -> str:
    """A text as a scalar: plain if possible, "…" if plain would not be read as text, otherwise '…'.

    Raises ValueError where the text is not one line of printable ASCII.
    """
    if not all(" " <= c <= "~" for c in text):
        raise ValueError(f"{text!r} is not one line of printable ASCII")
    if _reads_as_something_else(text):
        # None of these texts contains a quote or a backslash, so nothing needs escaping.
        return f'"{text}"'
    if _means_structure(text):
        return "'" + text.replace("'", "''") + "'"
    return text


def _means_structure(text: str) -> bool:
    first, rest = text[0], text[1:]
    return (
        text.startswith(("---", "..."))
        or first in _INDICATORS
        or (first in "?:-" and (not rest or rest[0] == " "))
        or ": " in rest
        or " #" in text
        or text.endswith((":", " "))
        or first == " "
    )


def _reads_as_something_else(text: str) -> bool:
    if text == "" or text in _WORDS or _SIXTY.fullmatch(text):
        return True
    if text[0] == ".":
        return _FRACTION.fullmatch(text) is not None and _number(text.replace("_", ""))
    return text[0] in "+-0123456789" and (_timestamp(text) or _integer(text) or _number(text.replace("_", "")))


def _integer(text: str) -> bool:
    plain = text.replace("_", "")
    if _SIGNED.fullmatch(plain):
        return True
    match = _INTEGER.fullmatch(plain)
    if not match:
        return False
    sign, sixteen, two, eight, ten = match.groups()
    digits, base = next((d, b) for d, b in ((sixteen, 16), (two, 2), (eight, 8), (ten, 10)) if d)
    size = int(digits, base)
    return size <= (_LARGEST[False] if not sign else _LARGEST[True] - (sign == "+"))


def _number(text: str) -> bool:
    return _FLOAT.fullmatch(text) is not None and float(text) != float("inf") and float(text) != float("-inf")


def _timestamp(text: str) -> bool:
    read = _DATE.fullmatch(text)
    # A time zone follows a T, and only a T.
    if not read or (read["with"] in ("T", "t")) != bool(read["zone"]):
        return False
    year, month, day = (int(part) for part in read.groups()[:3])
    # The year 0 is a leap year like 2000; Python has no year 0.
    if not (1 <= month <= 12 and 1 <= day <= monthrange(year or 2000, month)[1]):
        return False
    hour, minute, second = (int(part) for part in (read["clock"] or "0:0:0").split(":"))
    zone = read["zone"] if read["zone"] not in (None, "Z") else "+0:0"
    ahead, beside = (int(part) for part in zone[1:].split(":"))
    return hour < 24 and minute < 60 and second < 60 and ahead <= 24 and beside <= 60
