"""Plans list resources in the order in which the program creates them.

The SDK sends registrations from many threads at once, so two plans of one stack would list them in different orders. In
a plan they are sent one by one: whenever the program is idle, the ready registration that the program made first. An
`up` keeps the SDK's behaviour, because there a registration returns only once the resource exists.
"""

import asyncio
import heapq
import itertools
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import pulumi

Result = TypeVar("Result")


def install() -> None:
    """In a plan, send all further registrations in the order in which the program creates the resources."""
    if pulumi.runtime.is_dry_run():
        loop = asyncio.get_event_loop()
        if hasattr(loop, "_ready"):
            loop.set_default_executor(OneByOne(loop))


class OneByOne(ThreadPoolExecutor):
    """Runs one call at a time, and picks the next one when the event loop is idle."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(max_workers=1)
        self._loop = loop
        self._waiting: list[tuple[int, int, Callable[[], None]]] = []
        self._number = itertools.count()
        self._busy = False

    def submit(self, fn: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Future[Result]:
        """Queue a call under the number of its task: tasks are numbered in the order in which they are made."""
        future: Future[Result] = Future()

        def call() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    result = fn(*args, **kwargs)
                except BaseException as error:
                    # The caller gets it from the future.
                    future.set_exception(error)
                else:
                    future.set_result(result)
            self._loop.call_soon_threadsafe(self._next)

        heapq.heappush(self._waiting, (_task(), next(self._number), call))
        if not self._busy:
            self._busy = True
            self._loop.call_soon(self._next)
        return future

    def _next(self) -> None:
        # asyncio has no public method that tells whether another callback is about to run.
        if self._loop._ready:  # type: ignore[attr-defined]
            self._loop.call_soon(self._next)
        elif self._waiting:
            super().submit(heapq.heappop(self._waiting)[2])
        else:
            self._busy = False


def _task() -> int:
    """The number that asyncio gave to the current task; 0 outside of any task, and in a task with a name of its own."""
    task = asyncio.current_task()
    number = task.get_name().rpartition("-")[2] if task else ""
    return int(number) if number.isdecimal() else 0
