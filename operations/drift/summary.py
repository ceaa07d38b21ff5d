"""The differences of a machine for people: each real one, and values that only move summed up."""

from collections import Counter
from collections.abc import Iterator

from core.machineconfig.differences import DOCUMENT, Difference
from core.machineconfig.moves import replaced_field


def lines(differences: list[Difference]) -> Iterator[str]:
    """Yield a line for each value that appears, disappears or changes, then one for each field that moves."""
    yield from (str(difference) for difference in differences if not difference.moved)
    reboots = {replaced_field(each.path) for each in differences if each.moved and each.reboots}
    for (field, document), number in _moved(differences).items():
        values = "1 value moves" if number == 1 else f"{number} values move"
        yield f"{field} -> {document}: {values} unchanged{' (reboots)' if field in reboots else ''}"


def total(differences: list[Difference]) -> str:
    """How many values change, and how many only move."""
    number = sum(not each.moved for each in differences)
    moved = sum(_moved(differences).values())
    return f"{number} changes{f', {moved} values move unchanged' if moved else ''}"


def _moved(differences: list[Difference]) -> Counter[tuple[str, str]]:
    """The number of values that move, by field of the large document and document that has them now."""
    return Counter(
        (replaced_field(each.moved), each.document)
        for each in differences
        if each.moved and each.document and each.path != DOCUMENT
    )
