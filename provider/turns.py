"""Whose turn it is to be away: one machine of a platform at a time.

A turn begins before a machine's config and ends after it, in another resource. All of an update are in one process of
this plugin, so a queue in memory is enough for one run; what a killed run left is a mark on the Node.
"""

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .framework import UserError

SAY_SECONDS = 15.0
# The Talos plugin gives up after ten minutes: a config that was not taken by then never is.
APPLY_SECONDS = 660.0
# Who goes first: one that an earlier run left half way, then control planes.
RESUMED, PLANE, WORKER = range(3)

Say = Callable[[str], None]


class Turns:
    """The queue of one update."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._holder = ""
        self._until: float | None = None
        """When the holder's config must have been taken; None while it has none to take."""
        self._broken = ""
        self._queue: list[tuple[int, int]] = []
        self._tickets = itertools.count()

    def take(self, name: str, kind: int, seconds: float, say: Say) -> None:
        """Returns when it is this machine's turn. Raises UserError with who holds it, and why, where it can't be."""
        ticket = (kind, next(self._tickets))
        began, said = time.monotonic(), 0.0
        with self._changed:
            heapq.heappush(self._queue, ticket)
            try:
                while self._holder or self._queue[0] != ticket:
                    self._judge(name)
                    now = time.monotonic()
                    if now - began >= seconds:
                        raise UserError(
                            f"{name} did not get its turn within {seconds:.0f} s: {self._holder or 'another machine'} has it; nothing was sent to {name}; run up again"
                        )
                    if not said or now - said >= SAY_SECONDS:
                        said = now
                        say(
                            f"waits for its turn: {self._holder or 'another machine'} has it, {sum(other < ticket for other in self._queue)} more before it"
                        )
                    self._changed.wait(min(1.0, SAY_SECONDS, max(0.01, began + seconds - now)))
                self._judge(name)
                self._holder, self._until = name, None
            finally:
                self._queue.remove(ticket)
                heapq.heapify(self._queue)
                self._changed.notify_all()

    def _judge(self, name: str) -> None:
        if self._until is not None and time.monotonic() > self._until:
            self._broken = f"{self._holder} has it, and its config was not taken"
        if self._broken:
            raise UserError(
                f"{name} keeps what it has, since it is not its turn: {self._broken}; see that one well, and run up again"
            )

    def applying(self, name: str) -> None:
        """From now on the holder's config is on its way."""
        with self._changed:
            if self._holder == name:
                self._until = time.monotonic() + APPLY_SECONDS

    def settling(self, name: str) -> None:
        """The holder's config was taken."""
        with self._changed:
            if self._holder == name:
                self._until = None

    def give(self, name: str) -> None:
        """Hand the turn on; one that a machine does not hold is none of its business."""
        with self._changed:
            if self._holder == name:
                self._holder, self._until = "", None
                self._changed.notify_all()

    def keep(self, name: str, why: str) -> None:
        """The turn is not handed on any more in this update."""
        with self._changed:
            if self._holder in ("", name):
                self._holder, self._broken = name, f"{name} has it, and is not well ({why})"
                self._changed.notify_all()

    @contextmanager
    def held(self, name: str, kind: int, seconds: float, say: Say) -> Iterator[None]:
        """A turn that begins and ends in one place."""
        self.take(name, kind, seconds, say)
        try:
            yield
        except BaseException as error:
            self.keep(name, brief(error))
            raise
        self.give(name)


def brief(error: BaseException) -> str:
    """What went wrong, without what to do about it."""
    return str(error).partition(";")[0]


TURNS = Turns()
