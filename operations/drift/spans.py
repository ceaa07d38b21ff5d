"""Many names of machines in few words: wk-1 to wk-100."""

from collections.abc import Iterable, Iterator

_SHORTEST = 3


def spans(names: Iterable[str]) -> str:
    """The names, each once, with `A to Z` for three or more whose numbers follow one another."""
    runs: list[list[str]] = []
    for name in sorted(set(names), key=_order):
        if runs and _follows(runs[-1][-1], name):
            runs[-1].append(name)
        else:
            runs.append([name])
    return ", ".join(part for run in runs for part in _shown(run))


def _shown(run: list[str]) -> Iterator[str]:
    if len(run) < _SHORTEST:
        yield from run
    else:
        yield f"{run[0]} to {run[-1]}"


def _order(name: str) -> tuple[str, int, str]:
    before, number = _parts(name)
    return (before, int(number or 0), name)


def _follows(one: str, other: str) -> bool:
    (before, number), (beside, following) = _parts(one), _parts(other)
    if before != beside or not number or not following or int(following) != int(number) + 1:
        return False
    # 9 and 10 follow one another, and so do 09 and 10; 9 and 010 do not.
    return len(number) == len(following) if "0" in (number[0], following[0]) else True


def _parts(name: str) -> tuple[str, str]:
    """What stands before the number at the end of a name, and the number's digits; empty without one."""
    number = name[len(name.rstrip("0123456789")) :]
    return name.removesuffix(number), number
