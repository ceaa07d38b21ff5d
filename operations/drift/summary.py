"""The changes of machines for people: equal ones once, each real difference, and values that only move summed up."""

import re
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace

from core.effective import report
from core.machineconfig.differences import DOCUMENT, Difference
from core.machineconfig.moves import replaced_field

from .pending import Change
from .spans import spans

NAME_CHARACTERS = 30
"""How wide the column of names is at most: a longer list does not move what stands behind those of other machines."""
_ADDRESS = "(its address)"


def table(changes: Sequence[Change], refused: str = "") -> str:
    """The changes: a line for the machines with the same one, and beneath it each field: what it has -> what it gets.

    Values that only move to a document of their own are one line for each field and document. What a change comes to
    is a line of its own, unless the field's line says the same.
    """
    groups = list(_groups(changes))
    width = min(NAME_CHARACTERS, max((len(names) for names, _, _ in groups), default=0))
    address = max([15, *(len(where) for _, where, _ in groups)])
    shown = [f"The plan refuses this: {refused}", ""] if refused else []
    for names, where, change in groups:
        shown.append(f"{names:<{width}}  {where:<{address}}  {_summary(change)}")
        beneath = [*lines(change.differences), *report.lines(change.effects, change.differences)]
        shown += [f"{'':<{width}}    {line}" for line in beneath]
    return "\n".join(shown)


def _groups(changes: Sequence[Change]) -> Iterator[tuple[str, str, Change]]:
    """The names of the machines with the same change, the address of one or the number of several, and the change."""
    found: dict[Hashable, list[tuple[Change, Change]]] = {}
    for change in changes:
        shared = _shared(change)
        what = change.state, change.reboots, change.drained, (*shared.differences,), (*shared.effects,)
        found.setdefault(what, []).append((change, shared))
    for group in found.values():
        names = spans(change.machine for change, _ in group)
        own, shared = group[0]
        yield (names, own.address, own) if len(group) == 1 else (names, f"{len(group)} machines", shared)


def _shared(change: Change) -> Change:
    """A change without the machine's address in its effects, so that it is equal to that of another machine."""
    own = re.compile(rf"(?<![\w.:]){re.escape(change.address)}(?![\w.])")
    effects = [
        replace(each, before=own.sub(_ADDRESS, each.before), after=own.sub(_ADDRESS, each.after))
        for each in change.effects
    ]
    return replace(change, effects=effects)


def _summary(change: Change) -> str:
    if change.state != "changes":
        return {"same": "nothing changes", "joins": "joins: its first config", "leaves": "leaves the platform"}[
            change.state
        ]
    effect = "drained, in its turn, no reboot" if change.drained else "no reboot"
    return f"{total(change.differences)}; {'REBOOTS, drained, in its turn' if change.reboots else effect}"


def lines(differences: list[Difference]) -> Iterator[str]:
    """Yield a line for each value that appears, disappears or changes, then one for each field that moves."""
    yield from (str(difference) for difference in differences if not difference.moved)
    reboots = {replaced_field(each.path) for each in differences if each.moved and each.reboots}
    for (field, document), number in _moved(differences).items():
        values = "1 value moves" if number == 1 else f"{number} values move"
        yield f"{field} -> {document}: {values} unchanged{' (reboots)' if field in reboots else ''}"


def total(differences: list[Difference]) -> str:
    """How many values change, how many of them without effect, and how many only move."""
    changed = [each for each in differences if not each.moved]
    idle, moved = sum(not each.effect for each in changed), sum(_moved(differences).values())
    without = "" if not idle else " without effect" if idle == len(changed) else f", {idle} of them without effect"
    return f"{len(changed)} changes{without}{f', {moved} values move unchanged' if moved else ''}"


def _moved(differences: list[Difference]) -> Counter[tuple[str, str]]:
    """The number of values that move, by field of the large document and document that has them now."""
    return Counter(
        (replaced_field(each.moved), each.document)
        for each in differences
        if each.moved and each.document and each.path != DOCUMENT
    )
