"""Recorded exceptions: known controls, known machines, and a last day that is neither past nor far ahead."""

from collections.abc import Iterator
from datetime import date
from difflib import get_close_matches

from core.model.exceptions import CONTROLS, LONGEST
from core.model.faults import Fault, fault
from core.model.platform import Platform

from .registry import check, dated_check


@check("machines")
def controls_are_known(p: Platform) -> Iterator[Fault]:
    """Each exception names a control that can be excepted."""
    for index, exception in enumerate(p.exceptions):
        if exception.control in CONTROLS:
            continue
        near = get_close_matches(exception.control, CONTROLS, n=1, cutoff=0.9)
        yield fault(
            ("exceptions", str(index), "control"),
            f"{repr(exception.control) if len(exception.control) <= 40 else 'this text'} is not a control that can be "
            "excepted",
            "the exception would have no effect, and look as if it had one",
            f"did you mean {near[0]}?" if near else "docs/policies.md lists the controls",
        )


@check("machines")
def machines_are_known(p: Platform) -> Iterator[Fault]:
    """Each exception names machines of the platform."""
    known = ", ".join(sorted(p.declared)) or "the machines"
    for index, exception in enumerate(p.exceptions):
        for name in sorted(each for each in set(exception.machines) if each not in p.declared):
            yield fault(
                ("exceptions", str(index), "machines"),
                f"{name!r} is not a machine",
                "the exception would have no effect",
                f"write one of {known}",
            )


@check("machines")
def controls_are_excepted_once(p: Platform) -> Iterator[Fault]:
    """No control is excepted twice for one machine, in whatever order the two stand."""
    # Control to each machine with the exception that first named it; "" is every machine, and "*" any of them.
    seen: dict[str, dict[str, int]] = {}
    for index, exception in enumerate(p.exceptions):
        first = seen.setdefault(exception.control, {})
        others = [first[name] for name in ("", *(exception.machines or ("*",))) if name in first]
        if others:
            other = min(others)
            yield fault(
                ("exceptions", str(index), "control"),
                f"{exception.control} is excepted twice, also in exceptions.{other}",
                "it would be unclear which of the two last days applies",
                "remove one of the two, or name other machines in each",
            )
        for name in (*(exception.machines or ("",)), "*"):
            first.setdefault(name, index)


@dated_check("machines")
def exceptions_have_not_ended(p: Platform, today: date) -> Iterator[Fault]:
    """Each exception ends today or later, and at most a year from today."""
    for index, exception in enumerate(p.exceptions):
        path = ("exceptions", str(index), "until")
        if exception.until < today:
            yield fault(
                path,
                f"{exception.until} is past",
                "the exception has ended, so the control applies again",
                "comply and remove the exception, or have it renewed",
            )
        elif exception.until > today + LONGEST:
            yield fault(
                path,
                f"{exception.until} is more than a year away",
                "exceptions must be reviewed at least once a year",
                f"write {today + LONGEST} or earlier",
            )
