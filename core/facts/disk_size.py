"""The grammar of a disk selector's size, such as ">= 1.92TB", as Talos reads it in machine.install.diskSelector."""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

# Source: siderolabs/talos, pkg/machinery/config/types/v1alpha1, InstallDiskSizeMatcher; dustin/go-humanize, ParseBytes.
# Both take more: a comma is skipped there, so 1,92TB would be 192 TB.
PATTERN = r"(?:<=|>=|<|>|==)?[ ]*(?:0|[1-9][0-9]{0,11})(?:[.][0-9]{1,9})?[ ]*(?:GB|TB|GiB|TiB)"
"""A comparison that Talos reads as it is meant."""
# Source: the same, and IEC 80000-13 for the binary multiples.
UNITS = {"GB": 10**9, "TB": 10**12, "GiB": 2**30, "TiB": 2**40}
"""Unit to bytes."""
# No disk on which Talos could be installed is smaller, and none of 2026 is larger.
_SMALLEST, _LARGEST = 10**9, 10**15

_GRAMMAR = re.compile(r"(<=|>=|<|>|==)?[ ]*([0-9]+(?:[.][0-9]+)?)[ ]*(GB|TB|GiB|TiB)")
_OPERATORS: dict[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class SizeComparison:
    """A comparison with a size in bytes."""

    operator: str
    """One of ==, <, <=, > and >=."""
    size: int
    """Bytes."""

    def matches(self, size: int) -> bool:
        """Whether a disk of `size` bytes satisfies the comparison."""
        return _OPERATORS[self.operator](size, self.size)

    @property
    def matches_every_disk(self) -> bool:
        """Whether a disk of any size satisfies the comparison."""
        return self.matches(_SMALLEST) and self.matches(_LARGEST)

    @property
    def matches_no_disk(self) -> bool:
        """Whether no disk has such a size."""
        between = self.operator == "==" and _SMALLEST <= self.size <= _LARGEST
        return not between and not self.matches(_SMALLEST) and not self.matches(_LARGEST)


def parse(text: str) -> SizeComparison:
    """The comparison that `text` writes; with no operator, equality.

    Raises ValueError where it is not a comparison: the model refuses such a text before.
    """
    match = _GRAMMAR.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a size comparison")
    # In floating point and cut off, as go-humanize computes it: all must compare with one number of bytes.
    return SizeComparison(match[1] or "==", int(float(match[2]) * UNITS[match[3]]))
