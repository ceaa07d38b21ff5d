"""How long each phase took: printed as it goes, kept as JSON."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Times:
    """Phases in the order they ran."""

    file: Path
    begun: float = field(default_factory=time.monotonic)
    phases: list[dict[str, Any]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def now(self) -> float:
        """Seconds since the command began."""
        return round(time.monotonic() - self.begun, 1)

    def say(self, text: str) -> None:
        """One line, with the time."""
        print(f"[{self.now:6.1f} s] {text}", flush=True)

    def fact(self, name: str, value: Any) -> None:
        """Record a value in the JSON file."""
        self.facts[name] = value
        self.save()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time what is in the block; a failure is noted too."""
        self.say(f"{name} ...")
        start, outcome = time.monotonic(), "failed"
        try:
            yield
            outcome = "ok"
        finally:
            took = round(time.monotonic() - start, 1)
            self.phases.append({"phase": name, "seconds": took, "outcome": outcome, "at": self.now})
            self.say(f"{name}: {outcome}, {took} s")
            self.save()

    def save(self) -> None:
        """Write the file after each phase, so that a run that is killed leaves the earlier ones."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.file.with_suffix(".new")
        fresh.write_text(json.dumps({"seconds": self.now, "phases": self.phases, "facts": self.facts}, indent=1) + "\n")
        fresh.replace(self.file)
