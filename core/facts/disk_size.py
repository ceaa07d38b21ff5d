"""The grammar of a disk selector's size, such as ">= 200GB", as Talos reads it in machine.install.diskSelector."""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

# Source: siderolabs/talos, pkg/machinery/config/types/v1alpha1, InstallDiskSizeMatcher.
PATTERN = r"^(<=|>=|<|>|==)?[ ]*\d+[ ]*(GB|TB|GiB|TiB)$"
"""What the stack file's schema accepts."""
# Source: the same, and IEC 80000-13 for the binary multiples.
UNITS = {"GB": 10**9, "TB": 10**12, "GiB": 2**30, "TiB": 2**40}
"""Unit to bytes."""

_GRAMMAR = re.compile(r"(<=|>=|<|>|==)?[ ]*(\d+)[ ]*(GB|TB|GiB|TiB)")
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


def parse(text: str) -> SizeComparison:
    """The comparison that `text` writes; with no operator, equality.

    Raises ValueError where it is not a comparison: the model refuses such a text before.
    """
    match = _GRAMMAR.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a size comparison")
    return SizeComparison(match[1] or "==", int(match[2]) * UNITS[match[3]])
