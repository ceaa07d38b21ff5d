"""A machine's running config compared with the declared one, by what Talos makes of each."""

from contextlib import suppress
from dataclasses import dataclass, field

from core import standins
from core.effective import alone, effective
from core.effective.keys import Origins
from core.effective.meaning import in_effect
from core.effective.runs import Runs
from core.machineconfig.differences import Difference, differences
from core.machineconfig.merge import Key, Merged
from core.model import Platform
from core.model.patches import Place

LAST_UP = "the last up, and the stack file has changed since"
# What a config that somebody else has written may raise where Talos' rules are applied to it.
_UNREADABLE = (ValueError, TypeError, AttributeError, LookupError)


@dataclass(frozen=True)
class Wanted:
    """What the stack file wants of each machine."""

    platform: Platform | None = None
    """None where there is no stack file, or a faulty one: then no origin is known."""
    places: dict[str, Place] = field(default_factory=dict)
    """An origin to its keys in the stack file; comparisons add to it."""


@dataclass(frozen=True)
class _Meaning:
    """What a field that differs comes to."""

    declared: Runs
    running: Runs
    stack: Runs | None
    origins: Origins | None

    def __call__(self, key: Key, path: tuple[str, ...]) -> tuple[bool, str]:
        """Whether the machine runs anything else than is declared, and what sets the declared value."""
        with suppress(*_UNREADABLE):
            if path and in_effect(self.declared, key, path) == in_effect(self.running, key, path):
                return False, ""
            return True, self._origin(key, path)
        return True, ""

    def _origin(self, key: Key, path: tuple[str, ...]) -> str:
        if self.stack is None or self.origins is None:
            return ""
        wanted, sent = in_effect(self.stack, key, path), in_effect(self.declared, key, path)
        if wanted is None:
            # The PKI is not in the stack file, and neither is what only the machine has.
            return ""
        # Of a secret the stack file has a stand-in, and of a document that has one it says which keys it has.
        same = wanted == sent or not path or any(standins.within(wanted))
        return self.origins.of(key, path) if same else LAST_UP


def compare(name: str, address: str, declared: Merged, running: Merged, wanted: Wanted) -> list[Difference]:
    """Every field in which a running config differs from the declared one, with what sets the declared value."""
    machine = wanted.platform and wanted.platform.machines.get(name)
    now = effective(wanted.platform, name) if wanted.platform and machine else None
    origins = Origins(now, wanted.places) if now else None
    releases = alone.releases(declared.documents)
    before, after = (alone.runs(name, address, config.documents, releases) for config in (declared, running))
    meaning = _Meaning(before, after, now.runs if now else None, origins)
    return differences(declared, running, meaning=meaning)
