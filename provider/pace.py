"""How many machines are queried and switched at once, and how far apart they are switched on.

A rack that is switched on at once draws more current than its fuses allow, and sends all its requests to its boot
server at the same time.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from .waiters import Say, Waiters

# The order of the queue: a machine that is ready is switched on before another one is prepared, because some BMCs
# forget after a minute that the next boot is from the network.
SWITCH, PREPARE, LOOK = range(3)


class Pace:
    """The queue of one update."""

    def __init__(self) -> None:
        self._waiters = Waiters()
        self._busy = 0
        self._next_switch = 0.0

    @contextmanager
    def turn(self, kind: int, at_once: int, say: Say) -> Iterator[None]:
        """Hold one of `at_once` places. Reports the wait, and when it is over."""
        with self._waiters.changed:
            waited = self._waiters.wait(
                kind,
                lambda: self._busy < at_once,
                lambda before: (
                    f"waits for its turn: {self._busy} of {at_once} at once are under way, {before} more before it"
                ),
                say,
            )
            self._busy += 1
        if waited:
            say(f"its turn, after {waited:.0f} s")
        try:
            yield
        finally:
            with self._waiters.changed:
                self._busy -= 1
                self._waiters.changed.notify_all()

    def switching(self, seconds_between: float) -> None:
        """Return when the next machine may be switched on, `seconds_between` after the last one."""
        with self._waiters.changed:
            at = max(time.monotonic(), self._next_switch)
            self._next_switch = at + seconds_between
        time.sleep(max(0.0, at - time.monotonic()))


PACE = Pace()
