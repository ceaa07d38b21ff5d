"""When the time for an operation of a BMC ends."""

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Deadline:
    """The end of the time for an operation, on the monotonic clock, which is never set."""

    seconds: float
    end: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """The deadline in so many seconds from now."""
        return cls(seconds, time.monotonic() + seconds)

    @property
    def left(self) -> float:
        """Seconds until the deadline; 0 after it."""
        return max(0.0, self.end - time.monotonic())
