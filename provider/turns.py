"""Which machine of a platform may restart: one at a time.

A turn begins before a machine's config in one resource (MaintenanceTurn) and ends after it in another (NodeHealthy).
A run that was killed leaves a mark on the Node, which the next run reads.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from .framework import UserError
from .waiters import Say, Waiters

# MachineConfig gives up after ten minutes: a config that was not applied by then never will be.
APPLY_SECONDS = 660.0
# The order of the queue: a machine that an earlier run left unfinished, then control planes, then workers.
RESUMED, PLANE, WORKER = range(3)


class Turns:
    """The queue of one update."""

    def __init__(self) -> None:
        self._waiters = Waiters()
        self._holder = ""
        self._apply_by: float | None = None
        """When the holder's config must have been applied; None while no config is on its way."""
        self._broken = ""
        """Why no machine gets a turn any more in this update."""

    def take(self, name: str, kind: int, seconds: float, say: Say) -> None:
        """Return when it is this machine's turn. Raises UserError with the holder, and with why it can't be."""

        def may_go() -> bool:
            self._refuse_if_broken(name)
            return not self._holder

        def report(before: int) -> str:
            return f"waits for its turn: {self._holder or 'another machine'} is being changed, {before} more before it"

        with self._waiters.changed:
            try:
                self._waiters.wait(kind, may_go, report, say, seconds)
            except TimeoutError:
                raise UserError(
                    f"{name} did not get its turn within {seconds:.0f} s, because {self._holder or 'another machine'} "
                    f"is still being changed; nothing was sent to {name}; run up again"
                ) from None
            self._holder, self._apply_by = name, None

    def _refuse_if_broken(self, name: str) -> None:
        if self._apply_by is not None and time.monotonic() > self._apply_by:
            self._broken = f"{self._holder} has the turn, and its config was not applied"
        if self._broken:
            raise UserError(
                f"{name} does not get its turn, and its config is not changed: {self._broken}; "
                "repair that machine, and run up again"
            )

    def applying(self, name: str) -> None:
        """Record that the holder's config is about to be applied."""
        with self._waiters.changed:
            if self._holder == name:
                self._apply_by = time.monotonic() + APPLY_SECONDS

    def applied(self, name: str) -> None:
        """Record that the holder's config was applied."""
        with self._waiters.changed:
            if self._holder == name:
                self._apply_by = None

    def give(self, name: str) -> None:
        """End the machine's turn; without a turn, do nothing."""
        with self._waiters.changed:
            if self._holder == name:
                self._holder, self._apply_by = "", None
                self._waiters.changed.notify_all()

    def keep(self, name: str, why: str) -> None:
        """Give no machine a turn any more in this update."""
        with self._waiters.changed:
            if self._holder in ("", name):
                self._holder, self._broken = name, f"{name} has the turn, and is not healthy ({why})"
                self._waiters.changed.notify_all()

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
    """What went wrong, without why and what to do about it."""
    return str(error).partition(";")[0]


TURNS = Turns()
