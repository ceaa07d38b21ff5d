"""Controls that a platform does not comply with for a limited time, each with a reason, a last day and a ticket."""

from datetime import date, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from .faults import refuse
from .pattern import Pattern
from .types import Line, Model, Name

# The controls that the policies judge a machine's config by; tests/policy compares this list with the policies' own.
# Rules without a control (an erased disk at each boot, a secret in a patch) have no exceptions.
_CIS = """
    1.2.1 1.2.2 1.2.3 1.2.5 1.2.6 1.2.7 1.2.8 1.2.10 1.2.12 1.2.13 1.2.14 1.2.15 1.2.16 1.2.17 1.2.18
    1.2.19 1.2.21 1.2.27 1.2.28 1.2.29 1.2.30 1.3.1 1.3.2 1.3.3 1.3.6 1.3.7 1.4.1 1.4.2 2.2 2.3 2.5 2.6
    3.2.1 3.2.2 4.2.1 4.2.2 4.2.4 4.2.5 4.2.6 4.2.7 4.2.8 4.2.9 4.2.10 4.2.11 4.2.12 4.2.13 4.2.14 5.2.1
    5.6.2
"""
CONTROLS = (*(f"CIS {row}" for row in _CIS.split()), "KSPP", "TALOS CA")
"""Controls that can be excepted."""
LONGEST = timedelta(days=366)
"""How far ahead an exception may end: a longer one would be the rule."""


def _day(value: Any) -> Any:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value if isinstance(value, str) and len(value) == 10 else "")
    except ValueError:
        shown = repr(value) if isinstance(value, str | int) and len(str(value)) <= 40 else "this value"
        refuse(f"{shown} is not a date", "the exception ends after this day", 'write e.g. "2027-03-31"')


Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Ticket = Annotated[
    str,
    Pattern(
        r"[A-Za-z0-9][A-Za-z0-9_.#/-]{0,62}",
        "the name of a ticket",
        "auditors look the ticket up",
        "use at most 63 of A-Z a-z 0-9 _ . # / -, e.g. OPS-1234",
    ),
]
Reason = Annotated[
    str,
    Pattern(
        r"\S.{9,198}\S",
        "a reason",
        "whoever renews the exception must know why it was granted",
        "write a sentence of 11 to 200 characters, on one line",
    ),
]


class ExemptionSpec(Model):
    """A control that the platform does not comply with for a limited time."""

    control: Line = Field(examples=["CIS 1.2.15"])
    """A row of the CIS Kubernetes Benchmark 1.12 (CIS 1.2.15), KSPP, or TALOS CA: further authorities of clients."""
    reason: Reason = Field(examples=["The profiler of vendor X reads it until its release 4."])
    until: Day = Field(examples=['"2027-03-31"'])
    """Last day of the exception, at most a year from today."""
    ticket: Ticket = Field(examples=["OPS-1234"])
    machines: tuple[Name, ...] = ()
    """The machines that it applies to. Empty: all."""

    @property
    def mark(self) -> tuple[str, str]:
        """The annotation of a machine's config and of its node, which the policies read: key and value."""
        return (
            f"bedplate/exception-{self.control.lower().replace(' ', '-')}",
            f"until {self.until.isoformat()}: {self.ticket}",
        )
