"""What changes of a machine's config come to, as lines for people."""

from collections.abc import Iterable, Iterator, Sequence

from core.machineconfig.differences import Difference, said

from .meaning import Effect


def lines(effects: Iterable[Effect], differences: Sequence[Difference]) -> Iterator[str]:
    """A line for each effect, unless the line of a field says the same. differences: of the same change."""
    for effect in effects:
        if not any(_says(difference, effect) for difference in differences):
            origin = f"; {said(effect.origin)}" if effect.origin else ""
            changed = f"{effect.before} -> {effect.after}" if effect.before != effect.after else "(secret) differs"
            yield f"in effect: {effect.what}: {changed}{origin}"


def _says(difference: Difference, effect: Effect) -> bool:
    name = effect.what.rpartition(" ")[2].removeprefix("--")
    same = (difference.before, difference.after) == (effect.before, effect.after)
    return same and difference.path.endswith(f".{name}")
