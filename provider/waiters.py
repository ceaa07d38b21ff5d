"""A queue of threads that wait for something that only some of them may have at once.

All resources of an update are in one process of this plugin, so a queue in memory is enough for one run.
"""

import heapq
import itertools
import threading
import time
from collections.abc import Callable

# Seconds between two reports of a thread that waits.
SAY_SECONDS = 15.0
# Seconds after which a waiter looks again although nothing was announced: a deadline of another thread may be over.
_LOOK_SECONDS = 1.0

Say = Callable[[str], None]


class Waiters:
    """Threads in the order of their priority, and of their arrival within one priority."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        """Held around every change of what the threads wait for, and notified afterwards."""
        self._queue: list[tuple[int, int]] = []
        self._tickets = itertools.count()

    def wait(
        self,
        priority: int,
        may_go: Callable[[], bool],
        report: Callable[[int], str],
        say: Say,
        seconds: float = float("inf"),
    ) -> float:
        """Return once this thread is first and may go; the caller holds `changed`.

        may_go: whether the thread can have what it waits for; what it raises ends the wait.
        report: the line that describes the wait, from the number of threads before this one.
        Returns the seconds that it waited, 0 if it could go at once. Raises TimeoutError after `seconds`.
        """
        ticket = (priority, next(self._tickets))
        heapq.heappush(self._queue, ticket)
        began, reported = time.monotonic(), float("-inf")
        try:
            while not (may_go() and self._queue[0] == ticket):
                now = time.monotonic()
                if now - began >= seconds:
                    raise TimeoutError
                if now - reported >= SAY_SECONDS:
                    reported = now
                    say(report(sum(other < ticket for other in self._queue)))
                self.changed.wait(min(_LOOK_SECONDS, SAY_SECONDS, max(0.01, began + seconds - now)))
            return time.monotonic() - began if reported > float("-inf") else 0.0
        finally:
            self._queue.remove(ticket)
            heapq.heapify(self._queue)
            self.changed.notify_all()
