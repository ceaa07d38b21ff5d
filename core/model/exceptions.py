"""Controls that a platform does without for a while: said in its file, with a reason, an end and a ticket."""

from collections.abc import Iterator
from datetime import date, timedelta
from difflib import get_close_matches
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from .faults import Fault, refuse, sentence
from .types import Model, Name, text

# Every control that a rule judges a machine's config by: what tests/policy compares with the pack's own list.
# Rules without a control (a wipe at each boot, a secret in a patch) are never excused.
CONTROLS = (
    *(
        "CIS 1.2.1",
        "CIS 1.2.2",
        "CIS 1.2.3",
        "CIS 1.2.5",
        "CIS 1.2.6",
        "CIS 1.2.7",
        "CIS 1.2.8",
        "CIS 1.2.10",
        "CIS 1.2.12",
        "CIS 1.2.13",
        "CIS 1.2.14",
    ),
    *(
        "CIS 1.2.15",
        "CIS 1.2.16",
        "CIS 1.2.17",
        "CIS 1.2.18",
        "CIS 1.2.19",
        "CIS 1.2.21",
        "CIS 1.2.27",
        "CIS 1.2.28",
        "CIS 1.2.29",
    ),
    *("CIS 1.2.30", "CIS 1.3.1", "CIS 1.3.2", "CIS 1.3.3", "CIS 1.3.6", "CIS 1.3.7", "CIS 1.4.1", "CIS 1.4.2"),
    *("CIS 2.2", "CIS 2.3", "CIS 2.5", "CIS 2.6", "CIS 3.2.1", "CIS 3.2.2"),
    *(
        "CIS 4.2.1",
        "CIS 4.2.2",
        "CIS 4.2.4",
        "CIS 4.2.5",
        "CIS 4.2.6",
        "CIS 4.2.7",
        "CIS 4.2.8",
        "CIS 4.2.9",
        "CIS 4.2.10",
        "CIS 4.2.11",
        "CIS 4.2.12",
    ),
    *("CIS 4.2.13", "CIS 4.2.14", "CIS 5.2.1", "CIS 5.6.2", "KSPP"),
)
# Longer than this is no exception any more but the rule.
LONGEST = timedelta(days=366)


def _day(value: Any) -> Any:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value if isinstance(value, str) and len(value) == 10 else "")
    except ValueError:
        shown = repr(value) if isinstance(value, str | int) and len(str(value)) <= 40 else "this"
        refuse(f"{shown} is not a day", "an exception ends on it", 'write e.g. "2027-03-31"')


Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Ticket = text(
    r"[A-Za-z0-9][A-Za-z0-9_.#/-]{0,62}",
    "a ticket's name",
    "an auditor looks it up",
    "use at most 63 of A-Z a-z 0-9 _ . # / -, e.g. OPS-1234",
)
Reason = text(
    r"\S[^\n]{9,198}\S",
    "a reason",
    "whoever renews it must know what it was for",
    "write a sentence of 11 to 200 characters, on one line",
)


class ExemptionSpec(Model):
    control: str = Field(examples=["CIS 1.2.15"])
    """A row of the CIS Kubernetes Benchmark 1.12 (CIS 1.2.15), or KSPP."""
    reason: Reason = Field(examples=["The profiler of vendor X reads it until its release 4."])
    until: Day = Field(examples=['"2027-03-31"'])
    """The last day on which it holds, a year from today at most."""
    ticket: Ticket = Field(examples=["OPS-1234"])
    machines: tuple[Name, ...] = ()
    """For these alone. With none, for all."""

    @property
    def mark(self) -> tuple[str, str]:
        """What a machine's config and its node show of it, and what the policies read: an annotation."""
        return (
            f"bedplate/exception-{self.control.lower().replace(' ', '-')}",
            f"until {self.until.isoformat()}: {self.ticket}",
        )


def faults(exceptions: tuple[ExemptionSpec, ...], machines: frozenset[str], today: date | None) -> Iterator[Fault]:
    """What is wrong with recorded exceptions on a day; on no day, nothing has ended."""
    seen: set[tuple[str, str]] = set()
    for index, one in enumerate(exceptions):
        at = ("exceptions", str(index))
        if one.control not in CONTROLS:
            near = get_close_matches(one.control, CONTROLS, n=1, cutoff=0.9)
            instead = (
                f"did you mean {near[0]}?"
                if near
                else "docs/policies.md names those that a machine's config is judged by"
            )
            shown = repr(one.control) if len(one.control) <= 40 else "this"
            yield Fault(
                (*at, "control"),
                sentence(
                    f"{shown} is no control that can be excepted",
                    "it would excuse nothing, and look as if it did",
                    instead,
                ),
            )
        for name in sorted(set(one.machines) - machines):
            yield Fault(
                (*at, "machines"),
                sentence(
                    f"{name!r} is not a machine",
                    "it would excuse nothing",
                    f"write one of {', '.join(sorted(machines)) or 'them'}",
                ),
            )
        for name in one.machines or ("",):
            if (one.control, name) in seen or (one.control, "") in seen:
                yield Fault(
                    (*at, "control"),
                    sentence(
                        f"{one.control} is excepted twice", "nobody could tell which end holds", "keep one of the two"
                    ),
                )
            seen.add((one.control, name))
        if today is not None and one.until < today:
            yield Fault(
                (*at, "until"),
                sentence(
                    f"{one.until} is past",
                    "an exception ends, and then the control holds again",
                    "comply and take it away, or have it approved anew",
                ),
            )
        elif today is not None and one.until > today + LONGEST:
            yield Fault(
                (*at, "until"),
                sentence(
                    f"{one.until} is more than a year away",
                    "an exception that nobody looks at again is the rule",
                    f"write {today + LONGEST} or earlier",
                ),
            )
