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
    ("program", "unjudged", "with Talos' validation to without"),
)
Seen = Mapping[tuple[str, str], Sequence[Measured]]


def table(seen: Seen) -> Iterator[str]:
    """One line for each size and program: medians of wall seconds (and their range), processor seconds, megabytes."""
    yield f"{'size':12} {'program':10} {'wall s':>9} {'min-max s':>15} {'cpu s':>8} {'peak MB':>8}"
    for (size, program), all_ in seen.items():
        walls = [each.seconds for each in all_]
        span = f"{min(walls):.2f}-{max(walls):.2f}"
        processor = statistics.median(each.processor for each in all_)
        megabytes = statistics.median(each.megabytes for each in all_)
        yield f"{size:12} {program:10} {statistics.median(walls):9.2f} {span:>15} {processor:8.2f} {megabytes:8.0f}"


def ratios(seen: Seen) -> Iterator[str]:
    """One line for each size and ratio, of wall and of processor seconds: the medians of the ratios of each round."""
    yield f"{'ratio':66} {'wall':>6} {'cpu':>6}"
    for size in dict.fromkeys(size for size, _ in seen if size):
        for top, bottom, words in RATIOS:
            if (size, top) in seen and (size, bottom) in seen:
                pairs = list(zip(seen[size, top], seen[size, bottom], strict=True))
                wall = statistics.median(one.seconds / other.seconds for one, other in pairs)
                processor = statistics.median(one.processor / other.processor for one, other in pairs)
                yield f"{size + ': ' + words:66} {wall:6.2f} {processor:6.2f}"


def growth(seen: Seen) -> Iterator[str]:
    """One line for each step to a larger size: the growth of wall and processor seconds beyond an empty program's."""
    yield f"{'growth':66} {'wall':>6} {'cpu':>6}"
    for program in ("raw", "program", "against"):
        sizes = [size for size, name in seen if name == program and "x" in size]
        for small, large in itertools.pairwise(sizes):
            wall, processor = _growth(seen, (small, program), (large, program))
            yield f"{program + ' from ' + small + ' to ' + large:66} {wall:6.2f} {processor:6.2f}"


def _growth(seen: Seen, small: tuple[str, str], large: tuple[str, str]) -> tuple[float, float]:
    """How many times the wall seconds, and the processor seconds, beyond an empty program's."""
    empty = seen["", "empty"]

    def beyond(which: tuple[str, str]) -> tuple[float, float]:
        wall = statistics.median(each.seconds for each in seen[which]) - statistics.median(e.seconds for e in empty)
        cpu = statistics.median(each.processor for each in seen[which]) - statistics.median(e.processor for e in empty)
        return wall, cpu

    (wall_small, cpu_small), (wall_large, cpu_large) = beyond(small), beyond(large)
    return wall_large / wall_small, cpu_large / cpu_small
