"""Reads a YAML file, within limits.

The engine reads a stack file too, and hands the program its values. Both must read one file alike, so scalars are read
as Go's yaml.v3 reads them: `yes` is a text and `1e3` a number. What the engine can't hand on as it is written, such as
a date without quotes, is refused. Source of the rules: gopkg.in/yaml.v3 v3.0.1, resolve.go.
"""

import errno
import math
import re
from pathlib import Path
from typing import Any

import yaml

from . import yamlbounds
from .faults import sentence

# libyaml where the wheel contains it: ten times as fast on a large stack file.
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _DuplicateKeyError(yaml.MarkedYAMLError):
    pass


class _UnreadableError(yaml.MarkedYAMLError):
    """A value that the engine would hand on as another one."""


# Number that starts with its sign or a digit, without its underscores: sign, then digits by base.
_INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?")
# Characters of the longest integer, in base 2 with its sign and prefix.
_LONGEST_INTEGER = 68
_WORDS = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def _scalar(text: str) -> Any:
    """The value of a scalar without quotes. Raises ValueError, which says what it is, where it can't be handed on."""
    if text in _WORDS:
        return _WORDS[text]
    if _NOT_FINITE.fullmatch(text):
        raise ValueError("a number that is not finite")
    if _DATE.fullmatch(text):
        raise ValueError("a date without quotes")
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


class _Loader(_Base):  # type: ignore[misc]  # Which of the two classes it is depends on the wheel.
    """Reads scalars as the engine does, and refuses a key that a mapping has twice.

    YAML forbids such a key, and PyYAML would silently take the last one.
    """

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is yaml.ScalarNode and implicit[0]:
            return "tag:yaml.org,2002:merge" if value == "<<" else _PLAIN
        return super().resolve(kind, value, implicit)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        if not isinstance(node, yaml.MappingNode):
            return super().construct_mapping(node, deep)
        names: set[str] = set()
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                continue
            name = self._key(key)
            if name in names:
                raise _DuplicateKeyError(problem=key.value, problem_mark=key.start_mark)
            names.add(name)
        self.flatten_mapping(node)
        return {self._key(key): self.construct_object(value, deep=deep) for key, value in node.value}

    def _key(self, node: Any) -> str:
        """A key as the engine hands it on, which is a text. Raises _UnreadableError."""
        return _key(self.construct_object(node) if isinstance(node, yaml.ScalarNode) else None, node)


def _key(key: Any, node: Any) -> str:
    if isinstance(key, bool):
        return str(key).lower()
    if not isinstance(key, str | int):
        raise _UnreadableError(problem="a key that is not a text", problem_mark=node.start_mark)
    return str(key)


def _plain(loader: Any, node: Any) -> Any:
    try:
        return _scalar(node.value)
    except ValueError as error:
        raise _UnreadableError(problem=str(error), problem_mark=node.start_mark) from None


def _tagged(loader: Any, node: Any) -> Any:
    raise _UnreadableError(problem=f"a value with the tag {node.tag}", problem_mark=node.start_mark)


_PLAIN = "!plain"
_Loader.add_constructor(_PLAIN, _plain)
for _tag in ("binary", "timestamp", "set", "omap", "pairs"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _tagged)


def read(file: Path, name: str, otherwise: str) -> Any:
    """The content of a YAML file.

    name: the file as messages call it. otherwise: what a file that can't be read would lead to, for the message.
    Raises ValueError with a whole message where the file can't be read, is not YAML, has a key twice, or has a value
    that the engine would read as another one.
    """
    try:
        text = _text(file)
        yamlbounds.check(yaml.parse(text, _Loader))
        return yaml.load(text, _Loader)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ValueError(
            sentence(f"{name} can't be read ({reason})", otherwise, "write the path of a YAML file in the checkout")
        ) from None
    except _DuplicateKeyError as error:
        key = repr(error.problem) if len(str(error.problem)) <= 63 else "a key"
        raise ValueError(
            sentence(
                f"{name} has {key} twice in one mapping, again{_line(error)}",
                "one of the two values would be lost",
                "rename one of the keys, or remove it",
            )
        ) from None
    except yamlbounds.BeyondBoundsError as error:
        raise ValueError(
            sentence(
                f"{name} {error.problem}{_line(error)}",
                "no platform needs that, and reading it could take all memory",
                "write the values out, or divide them among files under include:",
            )
        ) from None
    except _UnreadableError as error:
        raise ValueError(
            sentence(
                f"{name} has {error.problem}{_line(error)}",
                "the engine would hand the program another value",
                "put it in quotes",
            )
        ) from None
    except yaml.YAMLError as error:
        raise ValueError(
            sentence(
                f"{name} is not YAML{_line(error)}",
                "nothing in it can be read reliably",
                "correct the syntax; an editor with YAML support marks the place",
            )
        ) from None


def _text(file: Path) -> str:
    """The text of a file. Raises OSError, UnicodeDecodeError and BeyondBoundsError."""
    # A device or a pipe has no end.
    if file.exists() and not file.is_file():
        raise OSError(errno.EINVAL, "it is not a regular file")
    with file.open("rb") as stream:
        content = stream.read(yamlbounds.MOST_BYTES + 1)
    if len(content) > yamlbounds.MOST_BYTES:
        raise yamlbounds.BeyondBoundsError(problem=f"has more than {yamlbounds.MOST_BYTES >> 20} MiB")
    return content.decode("utf-8")


def _line(error: yaml.YAMLError) -> str:
    line = getattr(getattr(error, "problem_mark", None), "line", None)
    return "" if line is None else f" in line {line + 1}"
