"""Ends this process with the engine's: a plugin must not act for a run that is over.

An engine that is killed does not end its plugins. A plugin that goes on would act between the next run and the
machines: it could switch off a machine that the next run has just switched on.
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
    """End this process soon after the engine's."""

    def look() -> None:
        while not is_gone():
            time.sleep(WATCH_SECONDS)
        # At once, whatever the other threads do.
        os._exit(1)

    threading.Thread(target=look, name="engine", daemon=True).start()
