"""How slow this computer is, so that deadlines grow with it.

A deadline is written down as what a step may take on the quiet machine of two cores on which it was chosen. The speed
of a core is measured once per process; how many programs share the cores is read each time a deadline is set, because
that changes within a session.
"""

import os
import time
from functools import cache

# CPU seconds that `calibration` takes on the computer on which the deadlines were chosen.
REFERENCE_SECONDS = 0.03
# Factor on top of the measured slowness, because disks and caches are not measured.
ROOM = 3.0
# Largest factor of a deadline, because a step that hangs must fail even on a very slow machine.
MOST = 8.0

_ROUNDS = 1_000_000


@cache
def calibration() -> float:
    """CPU seconds of a fixed piece of work, the fastest of three runs."""
    return min(_work() for _ in range(3))


def _work() -> float:
    start = time.thread_time()
    total = 0
    for number in range(_ROUNDS):
        total += number & 7
    return time.thread_time() - start


def factor(cpu_seconds: float, load: float, processors: int) -> float:
    """How many times longer a step may take here than on the reference machine: 1 to `MOST`.

    cpu_seconds: what the calibration took. load: programs that want a processor at the same time.
    """
    slow = max(1.0, cpu_seconds / REFERENCE_SECONDS)
    crowded = max(1.0, load / max(1, processors))
    return min(MOST, slow * crowded)


def now() -> float:
    """The factor of this computer at this moment, from 1 to `MOST`."""
    load, _, _ = os.getloadavg()
    return factor(calibration(), load, os.cpu_count() or 1)


def deadline(seconds: float) -> float:
    """Seconds that a step may take here and now, if it may take `seconds` on the reference machine."""
    return seconds * ROOM * now()
