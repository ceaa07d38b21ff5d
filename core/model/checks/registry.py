"""How a check is registered, and how all of them are run.

A check is a function of a platform that yields faults: what no single field can know, because it holds between
sections. It names the sections that it reads. Where one of those had faults of its own, the check is skipped, because
a fault that only follows from another one would mislead the reader.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from core.model.faults import Fault
from core.model.origins import in_their_classes
from core.model.platform import Platform
from core.model.unused import faults_of_unused

Check = Callable[[Platform], Iterator[Fault]]
DatedCheck = Callable[[Platform, date], Iterator[Fault]]


@dataclass(frozen=True)
class _Registered:
    sections: frozenset[str]
    run: Callable[[Platform, date | None], Iterator[Fault]]


_REGISTERED: list[_Registered] = []


def check(*sections: str) -> Callable[[Check], Check]:
    """Register a check, which is skipped where one of these sections has faults of its own."""

    def register(function: Check) -> Check:
        _REGISTERED.append(_Registered(frozenset(sections), lambda platform, _: function(platform)))
        return function

    return register


def dated_check(*sections: str) -> Callable[[DatedCheck], DatedCheck]:
    """Register a check whose result depends on the day; without a day it is skipped."""

    def register(function: DatedCheck) -> DatedCheck:
        def run(platform: Platform, today: date | None) -> Iterator[Fault]:
            return iter(()) if today is None else function(platform, today)

        _REGISTERED.append(_Registered(frozenset(sections), run))
        return function

    return register


def faults_between_sections(platform: Platform, broken: frozenset[str], today: date | None) -> list[Fault]:
    """Every fault between the sections of a platform whose fields are valid.

    One that every machine of a class has from there is the class's, and one that every machine of an unused class would
    have is that class's. broken: sections from which an entry was removed, because it was faulty in itself.
    """
    found = _found(platform, broken, today)
    return list(dict.fromkeys([*found, *faults_of_unused(platform, lambda other: _found(other, broken, today))]))


def _found(platform: Platform, broken: frozenset[str], today: date | None) -> list[Fault]:
    found = (
        fault
        for registered in _REGISTERED
        if not registered.sections & broken
        for fault in registered.run(platform, today)
    )
    return in_their_classes(platform, found)
