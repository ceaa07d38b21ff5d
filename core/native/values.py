"""What inputs and outputs are made of on both sides of a contract."""

from dataclasses import dataclass
from typing import Any

Values = dict[str, Any]
"""The name of each input or output to its value: text, number, flag, list, mapping, or UNKNOWN."""


class Unknown:
    """The type of UNKNOWN: a value that is known only once the update has run."""

    def __repr__(self) -> str:
        return "<known after up>"


UNKNOWN = Unknown()


@dataclass(frozen=True)
class InputError:
    """Why an input is refused: its name, and a reason that never contains its value."""

    property: str
    reason: str
    """In one line: what is wrong, why it matters, and what to write instead."""
