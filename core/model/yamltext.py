"""The text of a YAML file: read from a regular file alone, without waiting, and within limits."""

import errno
import os
import re
import stat
from pathlib import Path

import yaml

from . import yamlbounds

# All that YAML allows in a file. Source: YAML 1.2.2, 5.1 Character Set.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_OTHERS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


class UnreadableTextError(Exception):
    """A file that has no text of ours. The message continues a sentence: "can't be read (…)"."""

    def __init__(self, what: str, line: int | None = None) -> None:
        self.line = line
        super().__init__(what)


def read(file: Path) -> str:
    """The text of a file. Raises UnreadableTextError, and BeyondBoundsError for a file that is too large."""
    try:
        content = _content(file)
    except (OSError, ValueError) as error:
        raise UnreadableTextError(getattr(error, "strerror", None) or "its name is none that a file can have") from None
    if len(content) > yamlbounds.MOST_BYTES:
        raise yamlbounds.BeyondBoundsError(problem=f"has more than {yamlbounds.MOST_BYTES >> 20} MiB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnreadableTextError(f"it is {_OTHERS.get(content[:2], 'not UTF-8')} text", line) from None
    if not text.isascii() or not text.isprintable():
        _check(text)
    return text


def _content(file: Path) -> bytes:
    """The first bytes of a regular file, one more than a file may have. Raises OSError for anything else."""
    # Reading a pipe would wait until a program writes to it.
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with open(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        return stream.read(yamlbounds.MOST_BYTES + 1)


def _check(text: str) -> None:
    """Raises UnreadableTextError for a character that YAML does not allow."""
    if found := _FORBIDDEN.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise UnreadableTextError(f"it contains the character U+{ord(found.group()):04X}", line)


def problem(error: yaml.YAMLError) -> str:
    """What a YAML error means, in the words of a person who writes the file."""
    text = str(getattr(error, "problem", ""))
    meaning = next((meaning for part, meaning in _MEANINGS.items() if part in text), "the syntax is wrong")
    start, end = (getattr(getattr(error, name, None), "line", None) for name in ("context_mark", "problem_mark"))
    return meaning.replace("LINE", "above" if start is None or start == end else f"opened in line {start + 1}")


# Part of an error's text to what it means. Source: libyaml 0.2.5, scanner.c and parser.c, and PyYAML 6.0, _yaml.pyx.
_MEANINGS = {
    "cannot start any token": "a tab, @, ` or % before a value; indent with blanks, and put such a value in quotes",
    "mapping values are not allowed": "a second ': ' in one line, or a key that is indented too far",
    "expected ',' or": "the bracket LINE is not closed, or a comma is missing",
    "expected node content": "a bracket is not closed",
    "unexpected end of stream": "the quote LINE is not closed",
    "unexpected document indicator": "the quote LINE is not closed",
    "undefined alias": "an alias (*) that no anchor (&) defines above it",
    "second occurrence": "an anchor (&) whose name is taken",
    "unknown escape": "a backslash in double quotes; write '…' instead",
    "expected key": "a line that is indented differently from its neighbours, or text after a closing quote or bracket",
    "expected '-' indicator": "a line that is indented differently from the list around it",
    "sequence entries are not allowed": "an entry of a list in the line of its key",
    "could not find expected ':'": "a line without ': ' after its key",
    "incompatible YAML": "%YAML names another version than 1.1; remove that line",
    "directive": "a line starts with %",
}
