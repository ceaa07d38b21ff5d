"""What a change does to a virtual machine, and the fields that cause it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Effect(Enum):
    """What happens to a VM, the mildest first. The value is how people read it."""

    NOTHING = "nothing changes"
    MADE = "is made"
    STARTS = "starts"
    AT_START = "applies at its next start"
    LIVE = "live"
    MIGRATES = "migrates"
    RESTART_NEEDED = "restart needed"
    RESTARTS = "restarts now"
    STOPS = "stops"
    REMOVED = "removed, disk kept"
    REPLACED = "replaced, disk kept"
    REMOVED_WITH_DISK = "removed, disk DELETED"
    REPLACED_WITH_DISK = "replaced, disk DELETED"
    REFUSED = "refused"

    @property
    def rank(self) -> int:
        """Its index in the order of effects: of two on one VM, the one with the higher index is the VM's."""
        return [*Effect].index(self)


@dataclass(frozen=True)
class Cause:
    """One field, and what its change alone does."""

    field: str
    """Its path in the object, e.g. spec.template.spec.domain.memory.guest."""
    effect: Effect
    why: str = ""
    """Why it is not applied live; empty where it is."""


@dataclass(frozen=True)
class Verdict:
    """What a change does to one VM."""

    effect: Effect
    causes: tuple[Cause, ...] = ()
    """Every field that changes, the one that interrupts most first."""

    @classmethod
    def of(cls, causes: Iterable[Cause]) -> "Verdict":
        """The verdict of all fields: the effect of the one that interrupts most."""
        ordered = sorted(causes, key=lambda cause: (-cause.effect.rank, cause.field))
        return cls(ordered[0].effect if ordered else Effect.NOTHING, tuple(ordered))
