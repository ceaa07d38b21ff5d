"""Bounded waits that say what they waited for."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Timeout(RuntimeError):
    """Something did not happen in its time."""


def wait_for(what: str, probe: Callable[[], T | None], *, seconds: float, every: float = 0.2) -> T:
    """Call `probe` until it answers something true; its last complaint becomes the error's text.

    A probe says "not yet" with a false value or with an OSError or RuntimeError.
    """
    end = time.monotonic() + seconds
    last = ""
    while True:
        try:
            if answer := probe():
                return answer
            last = ""
        except (OSError, RuntimeError) as error:
            last = str(error).strip()
        if time.monotonic() >= end:
            raise Timeout(f"{what}: not after {seconds:g} s" + (f" ({last})" if last else ""))
        time.sleep(every)
