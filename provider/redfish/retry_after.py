"""How long a BMC wants a client to wait before the next request."""

import email.utils
from datetime import UTC, datetime

# Characters of a date as HTTP writes it, with room.
_LONGEST = 40


def requested_pause(header: str | None, default: float) -> float:
    """Seconds of the pause that a Retry-After header (seconds or a date) requests; the default if it is unreadable."""
    text = (header or "").strip()
    if len(text) > _LONGEST:
        return default
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, (email.utils.parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError, IndexError, OverflowError):
        return default
