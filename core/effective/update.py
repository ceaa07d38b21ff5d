"""What an update of one machine's config comes to, from the inputs of its resources alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.machineconfig import updates
from core.machineconfig.differences import Difference, differences
from core.machineconfig.merge import Key

from . import alone
from .meaning import Effect, effects, in_effect
from .runs import Runs


@dataclass(frozen=True)
class Update:
    """What changes in a config, and what that comes to. Holds no secret."""

    differences: list[Difference]
    effects: list[Effect] = field(default_factory=list)


@dataclass(frozen=True)
class _Meaning:
    before: Runs
    after: Runs

    def __call__(self, key: Key, path: tuple[str, ...]) -> tuple[bool, str]:
        """Whether a field's change has an effect. What sets the value is not known here."""
        return in_effect(self.before, key, path) != in_effect(self.after, key, path), ""


def update(name: str, address: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Update:
    """An update of the machine with that name and address. before, after: as for `updates.changes`."""
    sides = updates.sides(before, after)
    if not any(each.get(updates.BASE) for each in (before, after)):
        return Update(differences(*sides))  # Parts of a config come to nothing that is known.
    was, now = (alone.runs(name, address, each.documents, alone.releases(each.documents)) for each in sides)
    changes = differences(*sides, meaning=_Meaning(was, now))
    return Update(changes, [*effects(was, now, lambda *_: "")] if changes else [])
