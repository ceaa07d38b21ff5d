"""The end of this process with the engine's: nothing may act for a run that is over.

An engine that is killed takes no plugin along. What one then did would come between the machines and the next run:
it could switch off what that one has just switched on.
"""

import os
import threading
import time

WATCH_SECONDS = 0.2

_engine = os.getppid()


def is_gone() -> bool:
    """Whether whoever started this process is no more."""
    return os.getppid() != _engine


def watch() -> None:
    """Ends this process soon after the engine."""

    def look() -> None:
        while not is_gone():
            time.sleep(WATCH_SECONDS)
        # At once, whatever threads there are.
        os._exit(1)

    threading.Thread(target=look, name="engine", daemon=True).start()
