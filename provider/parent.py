"""Ends this process when the engine has ended: a plugin must not act for a run that is over.

An engine that is killed does not end its plugins. A plugin that continues would interfere with the next
run: it could switch off a machine that the next run has just switched on.
"""

import os
import threading
import time

WATCH_SECONDS = 0.2

_engine = os.getppid()


def is_gone() -> bool:
    """Whether the process that started this one has ended."""
    return os.getppid() != _engine


def watch() -> None:
    """End this process soon after the engine has ended."""

    def look() -> None:
        while not is_gone():
            time.sleep(WATCH_SECONDS)
        # At once, whatever the other threads do.
        os._exit(1)

    threading.Thread(target=look, name="engine", daemon=True).start()
