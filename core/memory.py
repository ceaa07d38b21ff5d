"""Look for garbage less often.

A program makes hundreds of thousands of small objects that it needs until it ends. Python's collector looks through
them again and again, which was a sixth of a plan's processor time; what it would free is little.
"""

import gc

# How many more objects are made than freed before the collector looks; Python's own numbers are 700, 10 and 10.
THRESHOLDS = (100_000, 20, 100)


def install() -> None:
    """Raise the collector's thresholds for the rest of this process; what is there by now is never looked at."""
    if gc.get_threshold() != THRESHOLDS:
        gc.freeze()
        gc.set_threshold(*THRESHOLDS)
