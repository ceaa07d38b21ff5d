"""Tables of values that a stack file may have in one place, and of values of the same kind that it may not."""

from datetime import date
from typing import Any

from core.model import Platform, StackFileError, parse
from tests.conftest import changed, stack_platform

TODAY = date(2026, 11, 28)


def accepted(edits: dict[str, Any], stack: str = "prod") -> Platform:
    """The platform of a stack file with these edits (path to value), which must be valid."""
    return parse(changed(stack_platform(stack), edits), TODAY)


def refused(edits: dict[str, Any], stack: str = "prod") -> str:
    """The one line with which a stack file with these edits is refused; empty where it is accepted.

    Fails where there are several lines, and where one has no reason, no remedy, or a word of the library's.
    """
    try:
        accepted(edits, stack)
    except StackFileError as error:
        (line,) = str(error).splitlines()
        assert line.isprintable() and line.count("; ") == 2, line
        assert not any(word in line for word in ("pattern", "regex", "Input", "should", "^", "\\d")), line
        return line
    return ""
