"""What a scalar without quotes stands for: the value that Go's yaml.v3 reads, which is the engine's.

So `yes` is a text and `1e3` a number. Source of the rules: gopkg.in/yaml.v3 v3.0.1, resolve.go.
"""

import math
import re
from typing import Any

from .faults import Sentence, sentence

# Number that starts with its sign or a digit, without its underscores: sign, then digits by base.
_INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?")
_LEADING_ZEROS = re.compile(r"[-+]?0[0-9_]+")
# Characters of the longest integer, in base 2 with its sign and prefix.
_LONGEST_INTEGER = 68
_WORDS = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_QUOTED = "put it in quotes if it is a text"


def scalar(text: str) -> Any:
    """The value of a scalar without quotes: a text, a number, a boolean or None."""
    if text in _WORDS:
        return _WORDS[text]
    digits = text if text[0] == "." else text.replace("_", "")
    if len(digits) < _LONGEST_INTEGER and (found := _INTEGER.fullmatch(digits)):
        sign, *written = found.groups()
        value = next((int(each, base) for each, base in zip(written, (16, 2, 8, 10), strict=True) if each), 0)
        value = -value if sign == "-" else value
        # Larger ones become floats.
        if -(1 << 63) <= value < 1 << 63:
            return value
    if _FLOAT.fullmatch(digits):
        number = float(digits)
        return number if math.isfinite(number) else text
    return text


def refusal(text: str) -> Sentence | None:
    """Why a scalar without quotes is refused, which another program would read as something else; None if it is not."""
    if text[:1].isalpha() or not text:
        return None
    if _LEADING_ZEROS.fullmatch(text):
        number = text.lstrip("+-0_") or "0"
        return sentence(
            f"{text} starts with a zero",
            f"YAML reads it as {scalar(text)}",
            f"write {number} for a number, or '{text}' in quotes for a text",
        )
    if _DATE.fullmatch(text):
        return sentence(
            f"{text[:20]} is a date without quotes", "the engine would hand on another text", f"write '{text[:40]}'"
        )
    if _NOT_FINITE.fullmatch(text):
        return sentence(f"{text} is not a finite number", "the engine can't hand it on", _QUOTED)
    return None
