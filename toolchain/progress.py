"""Show progress: a live line on a terminal, a line every 15 seconds elsewhere."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

QUIET_SECONDS = 15


class Progress:
    """Shows what each running step does, on stderr: stdout belongs to the engine."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stderr
        self._live = self._out.isatty() and os.environ.get("TERM") != "dumb"
        self._lock = threading.Lock()
        self._steps: dict[str, tuple[float, str]] = {}
        self._began = time.monotonic()
        self._done = 0
        self.total = 0

    def say(self, line: str) -> None:
        """Print one line that stays."""
        with self._lock:
            self._wipe()
            print(line, file=self._out, flush=True)

    @contextmanager
    def step(self, name: str, what: str) -> Iterator[None]:
        """Show a step, by name, while the block runs."""
        with self._lock:
            self._steps[name] = (time.monotonic(), what)
        try:
            yield
        finally:
            with self._lock:
                del self._steps[name]

    def update(self, name: str, what: str) -> None:
        """Change what is shown of a running step."""
        with self._lock:
            if name in self._steps:
                self._steps[name] = (self._steps[name][0], what)

    def finished(self, line: str) -> None:
        """Count one more part as finished, and print a line that stays."""
        with self._lock:
            self._done += 1
            count = f"[{self._done}/{self.total}] "
        self.say(count + line)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Show the running steps until the block ends."""
        stop = threading.Event()
        printer = threading.Thread(target=self._print, args=(stop,), daemon=True)
        printer.start()
        try:
            yield
        finally:
            stop.set()
            printer.join()
            with self._lock:
                self._wipe()

    def _print(self, stop: threading.Event) -> None:
        while not stop.wait(0.5 if self._live else QUIET_SECONDS):
            with self._lock:
                if not self._steps:
                    continue
                line = self._line()
                if self._live:
                    width = shutil.get_terminal_size().columns - 1
                    self._out.write(f"\r\x1b[K{line[:width]}")
                    self._out.flush()
                else:
                    print(line, file=self._out, flush=True)

    def _line(self) -> str:
        now = time.monotonic()
        steps = "; ".join(f"{n} {what} {now - t:.0f} s" for n, (t, what) in self._steps.items())
        return f"  [{self._done}/{self.total}] {now - self._began:.0f} s: {steps}"

    def _wipe(self) -> None:
        if self._live:
            self._out.write("\r\x1b[K")
            self._out.flush()
