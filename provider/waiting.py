"""Waits that have a deadline, and report what they wait for."""

import time
from collections.abc import Callable

from core.printable import LINE_CHARACTERS, SHOWN_CHARACTERS, printable

from .framework import UserError
from .progress import Progress

# Seconds between two queries, and between two reports.
PAUSE_SECONDS = 1.0
SAY_SECONDS = 15.0


def wait_until(ask: Callable[[], tuple[bool, str]], what: str, seconds: float, instead: str, say: Progress) -> None:
    """Call `ask` every PAUSE_SECONDS until the wait is over.

    ask: returns whether the wait is over, and the last observation; an OSError counts as an observation.
    instead: what the user can do after the deadline.
    Raises UserError with the last observation when `seconds` have passed.
    """
    start = time.monotonic()
    reported = start
    while True:
        try:
            done, text = ask()
            observed = printable(text, LINE_CHARACTERS // 2)
        except OSError as error:
            done, observed = False, _short(error)
        if done:
            return
        now = time.monotonic()
        if now - start >= seconds:
            raise UserError(
                f"{what} within {seconds:.0f} s (last: {observed}); the resources that depend on it are not created; "
                f"{instead}"
            )
        if now - reported >= SAY_SECONDS:
            say(f"waiting, {now - start:.0f} s of {seconds:.0f} s: {what} (last: {observed})")
            reported = now
        time.sleep(min(PAUSE_SECONDS, max(0.0, start + seconds - now)))


def _short(error: OSError) -> str:
    code = getattr(error, "code", None)
    return f"HTTP {code}" if code else printable(getattr(error, "reason", error), 3 * SHOWN_CHARACTERS)
