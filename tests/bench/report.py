"""The figures of a run of the bench, as lines of text."""

import itertools
import statistics
from collections.abc import Iterator, Mapping, Sequence

from tests.bench.measuring import Measured

# Each ratio: what is divided by what, and in words.
RATIOS = (
    ("program", "raw", "the program to the same resources raw"),
    ("against", "raw", "the other checkout to the same resources raw"),
    ("program", "against", "the program to the other checkout"),
    ("policies", "program", "with policies to without"),
)
Seen = Mapping[tuple[str, str], Sequence[Measured]]


def table(seen: Seen) -> Iterator[str]:
    """One line for each size and program: median and range of seconds, median of megabytes."""
    yield f"{'size':12} {'program':10} {'median s':>9} {'min-max s':>15} {'peak MB':>8}"
    for (size, program), all_ in seen.items():
        seconds = [each.seconds for each in all_]
        span = f"{min(seconds):.2f}-{max(seconds):.2f}"
        megabytes = statistics.median(each.megabytes for each in all_)
        yield f"{size:12} {program:10} {statistics.median(seconds):9.2f} {span:>15} {megabytes:8.0f}"


def ratios(seen: Seen) -> Iterator[str]:
    """One line for each size and ratio: the median of the ratios of each round."""
    for size in dict.fromkeys(size for size, _ in seen if size):
        for top, bottom, words in RATIOS:
            if (size, top) in seen and (size, bottom) in seen:
                pairs = zip(seen[size, top], seen[size, bottom], strict=True)
                yield f"{size + ': ' + words:66} {statistics.median(a.seconds / b.seconds for a, b in pairs):6.2f}"


def growth(seen: Seen) -> Iterator[str]:
    """One line for each step from one size to a larger one: how much longer the program takes than an empty one."""
    nothing = statistics.median(each.seconds for each in seen["", "empty"])
    for program in ("raw", "program", "against"):
        sizes = [size for size, name in seen if name == program and "x" in size]
        took = {size: statistics.median(each.seconds for each in seen[size, program]) - nothing for size in sizes}
        for small, large in itertools.pairwise(sizes):
            yield f"{program + ' from ' + small + ' to ' + large:66} {took[large] / took[small]:6.2f}"
