"""The lines of the stack file on which the origins of values stand."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from core.loading import stackfile
from core.machineconfig.differences import Difference
from core.model.faults import Fault
from core.model.patches import Place

from .pending import Change


def lines(places: Mapping[str, Place], file: Path) -> dict[str, str]:
    """Each origin that the stack file has to the same with its file and line. places: origin to its keys.

    Raises StackFileError where the file can no longer be read.
    """
    if not places:
        return {}
    found = stackfile.placed((Fault(place, text) for text, place in places.items()), file, root=Path.cwd())
    return {each.text: f"{each.text} ({each.at})" for each in found if each.at}


def located(changes: Iterable[Change], named: Mapping[str, str]) -> list[Change]:
    """The changes with their origins by these names."""
    return [
        replace(
            change,
            differences=renamed(change.differences, named),
            effects=[replace(each, origin=named.get(each.origin, each.origin)) for each in change.effects],
        )
        for change in changes
    ]


def renamed(differences: Iterable[Difference], named: Mapping[str, str]) -> list[Difference]:
    """The differences with their origins by these names."""
    return [replace(each, origin=named.get(each.origin, each.origin)) for each in differences]
