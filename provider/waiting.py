"""Waits that end, and say meanwhile what they wait for."""

import time
from collections.abc import Callable
from typing import Any

from .framework import InputError, Progress, Unknown, UserError

# How often to ask, and how often to say that we still wait.
PAUSE_SECONDS = 1.0
SAY_SECONDS = 15.0


def wait_until(ask: Callable[[], tuple[bool, str]], what: str, seconds: float, instead: str, say: Progress) -> None:
    """Asks until the answer is yes.

    ask: yields whether it is so, and what was heard; OSError is an answer too. Raises UserError with what was heard
    last when the time is over; instead: what a person can do then.
    """
    start = time.monotonic()
    said = start
    while True:
        try:
            done, heard = ask()
        except OSError as error:
            done, heard = False, _short(error)
        if done:
            return
        now = time.monotonic()
        if now - start >= seconds:
            raise UserError(f"{what} within {seconds:.0f} s (last: {heard}); nothing after it can be made; {instead}")
        if now - said >= SAY_SECONDS:
            say(f"waiting, {now - start:.0f} s of {seconds:.0f} s: {what} (last: {heard})")
            said = now
        time.sleep(min(PAUSE_SECONDS, max(0.0, start + seconds - now)))


def _short(error: OSError) -> str:
    code = getattr(error, "code", None)
    return f"HTTP {code}" if code else str(getattr(error, "reason", error))


def wrong_timeout(seconds: Any) -> list[InputError]:
    """What is wrong with an input that bounds a wait."""
    if isinstance(seconds, Unknown):
        return []
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool) or not 1 <= seconds <= 7200:
        return [InputError("timeoutSeconds", "is not between 1 and 7200; the wait must end; write e.g. 900")]
    return []
