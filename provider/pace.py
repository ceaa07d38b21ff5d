"""Whose turn it is: so many machines at a time are asked and switched, and they come on one after the other.

A rack that is switched on at once draws more current than its fuses like, and asks its boot server for everything at
once. All machines of an update are in one process of this plugin, so that a queue in memory is enough.
"""

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# How often to say that we still wait.
SAY_SECONDS = 15.0
# What goes first: a machine that is ready to be switched on, before another one is made ready. Some BMCs forget an
# order after a minute.
SWITCH, PREPARE, LOOK = range(3)

Say = Callable[[str], None]


class Pace:
    """The queue of one update."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._busy = 0
        self._queue: list[tuple[int, int]] = []
        self._tickets = itertools.count()
        self._next = 0.0

    @contextmanager
    def turn(self, kind: int, at_once: int, say: Say) -> Iterator[None]:
        """Holds one of `at_once` places. Says who is waited for, and when it is its turn."""
        ticket = (kind, next(self._tickets))
        with self._changed:
            heapq.heappush(self._queue, ticket)
            self._wait(ticket, at_once, say)
            heapq.heappop(self._queue)
            self._busy += 1
            # The next one may find a place as well.
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()

    def _wait(self, ticket: tuple[int, int], at_once: int, say: Say) -> None:
        began, said = time.monotonic(), 0.0
        while self._busy >= at_once or self._queue[0] != ticket:
            now = time.monotonic()
            if not said or now - said >= SAY_SECONDS:
                said = now
                before = sum(other < ticket for other in self._queue)
                say(f"waits for its turn: {self._busy} of {at_once} at once are under way, {before} more before it")
            self._changed.wait(max(0.01, said + SAY_SECONDS - now))
        if said:
            say(f"its turn, after {time.monotonic() - began:.0f} s")

    def switching(self, seconds_between: float) -> None:
        """Returns when the next machine may be switched on."""
        with self._changed:
            at = max(time.monotonic(), self._next)
            self._next = at + seconds_between
        time.sleep(max(0.0, at - time.monotonic()))


PACE = Pace()
