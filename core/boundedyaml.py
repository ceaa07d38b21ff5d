"""Reads YAML that a stranger wrote: a machine, a server, or whoever answers in its place.

YAML is a language in which a few bytes can become gigabytes (aliases of aliases) or hours (an integer of a million
digits in base 60). So the text is checked event by event before a value is made of it, and what no honest program
writes is refused: aliases, anchors, tags, deep nesting, endless numbers. The work is bounded by the limits whatever
the text is.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import yaml

MOST_BYTES = 4 << 20
"""Bytes of a text. Talos' own messages end at 4 MiB.

Source: google.golang.org/grpc, server.go, defaultServerMaxReceiveMessageSize.
"""
MOST_VALUES = 100_000
"""Values of a text: scalars, sequences and mappings, keys included. A machine config has a few thousand."""
MOST_LEVELS = 64
"""Levels of nesting. A Pod has about twelve."""
# Digits of the longest number: 64 bits in base 2, with a sign and a prefix. Longer ones are not even converted,
# because conversion takes quadratic time, and because keys could all have one hash.
_LONGEST_NUMBER = 68
_LARGEST_INTEGER = 1 << 64
# Go's YAML writes what is not UTF-8 as binary, e.g. a disk's serial number.
_BINARY = "tag:yaml.org,2002:binary"

# libyaml where the wheel contains it: ten times as fast.
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class UnreadableYAML(ValueError):
    """A text that is not read. The message is one line and quotes nothing of the text."""


class _Loader(_Base):  # type: ignore[misc]  # Which of the two classes it is depends on the wheel.
    """The safe loader, without numbers of any length."""


def _integer(loader: Any, node: Any) -> int:
    value = int(_short(node, loader.construct_yaml_int))
    if abs(value) >= _LARGEST_INTEGER:
        raise ValueError("an integer of more than 64 bits")
    return value


def _float(loader: Any, node: Any) -> float:
    return float(_short(node, loader.construct_yaml_float))


def _short(node: Any, convert: Any) -> Any:
    if len(node.value) > _LONGEST_NUMBER:
        raise ValueError("a number of more than 64 bits")
    return convert(node)


_Loader.add_constructor("tag:yaml.org,2002:int", _integer)
_Loader.add_constructor("tag:yaml.org,2002:float", _float)


def load(text: str | bytes, *, what: str, most_bytes: int = MOST_BYTES, most_values: int = MOST_VALUES) -> Any:
    """The one document of a text; None for an empty text.

    what: the text as messages call it, e.g. "the disks of 10.0.0.1".
    Raises UnreadableYAML, also for more than one document.
    """
    return load_each([text], what=what, most_bytes=most_bytes, most_values=most_values)[0]


def load_each(
    texts: Iterable[str | bytes], *, what: str, most_bytes: int = MOST_BYTES, most_values: int = MOST_VALUES
) -> list[Any]:
    """The one document of each text, in their order; the texts share the limits. Raises UnreadableYAML, as `load`."""
    loaded = []
    for text in texts:
        documents, size, values = _read(text, what, most_bytes, most_values)
        if len(documents) > 1:
            raise UnreadableYAML(f"{what} can't be read: it has {len(documents)} documents instead of one")
        most_bytes, most_values = most_bytes - size, most_values - values
        loaded.append(documents[0] if documents else None)
    return loaded


def load_all(
    text: str | bytes, *, what: str, most_bytes: int = MOST_BYTES, most_values: int = MOST_VALUES
) -> list[Any]:
    """Every document of a text, in its order. Raises UnreadableYAML, as `load` does."""
    return _read(text, what, most_bytes, most_values)[0]


def _read(text: str | bytes, what: str, most_bytes: int, most_values: int) -> tuple[list[Any], int, int]:
    """The documents of a text, its size in bytes, and the number of its values. Raises UnreadableYAML."""
    try:
        # Encoded first: a text of other characters than ASCII has more bytes than characters.
        content = text.encode() if isinstance(text, str) else text
        if len(content) > most_bytes:
            raise UnreadableYAML(f"it has {len(content)} bytes, and the limit is {most_bytes}")
        values = _checked(content, most_values)
        return list(yaml.load_all(content, _Loader)), len(content), values
    except yaml.YAMLError as error:
        fault = f"it is not YAML{_line(getattr(error, 'problem_mark', None))}"
    except UnreadableYAML as error:
        fault = str(error)
    except (ValueError, TypeError, OverflowError):
        # From the constructors of numbers and dates, and from the encoding.
        fault = "it has a value that is out of range, or is not UTF-8"
    raise UnreadableYAML(f"{what} can't be read: {fault}") from None


def _checked(content: bytes, most_values: int) -> int:
    """The number of a text's values. Raises UnreadableYAML with words after "it" at the first limit; and YAMLError."""
    values = levels = 0
    for event in _events(content):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise UnreadableYAML(
                f"it has an anchor or an alias{_line(event.start_mark)}, which can multiply without end"
            )
        if isinstance(event, yaml.NodeEvent):
            values += 1
            levels += isinstance(event, yaml.CollectionStartEvent)
            if getattr(event, "tag", None) not in (None, _BINARY):
                raise UnreadableYAML(f"it has a tag{_line(event.start_mark)}")
        levels -= isinstance(event, yaml.CollectionEndEvent)
        if values > most_values:
            raise UnreadableYAML(f"it has more than {most_values} values")
        if levels > MOST_LEVELS:
            raise UnreadableYAML(f"it is nested in more than {MOST_LEVELS} levels{_line(event.start_mark)}")
    return values


def _events(content: bytes) -> Iterator[Any]:
    yield from yaml.parse(content, _Loader)


def _line(mark: Any) -> str:
    line = getattr(mark, "line", None)
    return "" if line is None else f" in line {line + 1}"
