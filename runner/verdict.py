"""The last lines of `./bedplate test`: which of its runs of pytest failed, and why."""

from __future__ import annotations

import signal
from dataclasses import dataclass

# The variable with the file in which a run of pytest notes what fails, as it happens: tests/notes.py.
NOTES = "BEDPLATE_TEST_NOTES"

MOST_LINES = 60
KILLED = 128
MEANINGS = {
    1: "tests failed",
    2: "it was interrupted",
    3: "an error of pytest itself, or of one of its plugins",
    4: "pytest was started wrongly",
    5: "no test was found",
}


@dataclass(frozen=True)
class Run:
    """One run of pytest: what it ran, its exit code, its seconds, and what it noted."""

    name: str
    code: int
    seconds: float
    notes: str

    def lines(self) -> list[str]:
        """One line if it passed; else why it failed, and what it noted."""
        if self.code == 0:
            return [f"{self.name} passed in {self.seconds:,.0f} s"]
        noted = self.notes.splitlines()
        shown = [f"  {line}" for line in noted[:MOST_LINES]]
        if len(noted) > MOST_LINES:
            shown.append(f"  and {len(noted) - MOST_LINES} lines more: they are above, where {self.name} ended")
        return [f"{self.name} failed after {self.seconds:,.0f} s: {self._reason()} (exit code {self.code})", *shown]

    def _reason(self) -> str:
        if self.code > KILLED:
            try:
                return f"pytest was killed by {signal.Signals(self.code - KILLED).name}"
            except ValueError:
                pass
        return MEANINGS.get(self.code, "pytest ended in a way of its own")
