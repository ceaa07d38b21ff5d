"""Bounded waits whose errors name what they waited for."""

import time
from collections.abc import Callable
from typing import TypeVar

from . import speed

T = TypeVar("T")


class Timeout(RuntimeError):
    """Something did not happen before its deadline."""


def wait_for(what: str, probe: Callable[[], T | None], *, seconds: float, every: float = 0.2) -> T:
    """Call `probe` until it returns something true, and return that.

    A probe reports "not yet" by a false value, an OSError or a RuntimeError. The deadline is `seconds` on the reference
    machine, and grows with how slow this one is (lab.speed). Raises Timeout with the probe's last error.
    """
    allowed = speed.deadline(seconds)
    end = time.monotonic() + allowed
    while True:
        last = ""
        try:
            if answer := probe():
                return answer
        except (OSError, RuntimeError) as error:
            last = str(error).strip()
        if time.monotonic() >= end:
            raise Timeout(f"timed out after {allowed:.0f} s, waiting for {what}" + (f" ({last})" if last else ""))
        time.sleep(every)
