"""Rehearsals that run beside the tests of a session, one after the other, because most of a rehearsal is waiting."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab import speed
from lab.kernel import die_with_parent


@dataclass
class Outcome:
    """One rehearsal that has ended."""

    code: int
    output: str
    times: dict[str, Any] = field(default_factory=dict)
    """What it wrote to its file of times: `phases`, `facts` and `seconds`."""


class Rehearsals:
    """Runs rehearsals of one stack in their order, from `start` on; tests wait for the outcome of each."""

    def __init__(self, folder: Path, checkout: Path, stack: str, commands: Mapping[str, Sequence[str]]) -> None:
        """folder: where the outputs are kept. commands: name to the further arguments of the rehearsal."""
        self.folder, self.checkout, self.stack, self.commands = folder, checkout, stack, dict(commands)
        self._outcomes: dict[str, Outcome] = {}
        self._over = {name: threading.Event() for name in self.commands}
        self._thread = threading.Thread(target=self._run, name="rehearsals", daemon=True)
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = False
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin, unless it has begun."""
        with self._lock:
            if self._thread.ident is None:
                self._thread.start()

    def outcome(self, name: str, seconds: float) -> Outcome:
        """Wait for a rehearsal to end. Raises RuntimeError with its last lines if it does not in time."""
        self.start()
        if not self._over[name].wait(speed.deadline(seconds)):
            output = (self.folder / name).read_text(errors="replace") if (self.folder / name).exists() else ""
            raise RuntimeError(f"the rehearsal {name!r} has not ended: {output[-3000:]}")
        return self._outcomes[name]

    def stop(self) -> None:
        """End what runs, as Ctrl-C does, and start nothing more."""
        self._stopping = True
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        if self._thread.ident is not None:
            self._thread.join(speed.deadline(60))

    def _run(self) -> None:
        for name, arguments in self.commands.items():
            self._outcomes[name] = self._rehearse(name, arguments)
            self._over[name].set()

    def _rehearse(self, name: str, arguments: Sequence[str]) -> Outcome:
        if self._stopping:
            return Outcome(1, "the session ended before it began")
        file = self.checkout / ".toolchain" / "lab" / f"{self.stack}.times.json"
        file.unlink(missing_ok=True)
        with (self.folder / name).open("wb") as output:
            # The rehearsal and its lab end with this thread, which lives as long as the tests, however they end.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "lab", self.stack, *arguments],
                cwd=self.checkout,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=die_with_parent,
            )
            code = self._process.wait()
        times: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        return Outcome(code, (self.folder / name).read_text(errors="replace"), times)
