"""What ends a request: its deadline, and the number of bytes that it received."""

import contextlib
import socket
import threading
import time
from dataclasses import dataclass

from .failures import Late, TooLarge

# Bytes of a status line and headers; real ones have a few hundred.
MOST_HEADER_BYTES = 64 << 10


@dataclass(frozen=True)
class Limits:
    """What one request may cost."""

    seconds: float
    """From the name's resolution to the last byte of the answer."""
    most_bytes: int
    """Of the answer's body, packed and unpacked."""


class Watch:
    """Ends a connection at the deadline, and counts what it received."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._left, self._limit = MOST_HEADER_BYTES, f"has more than {shown(MOST_HEADER_BYTES)} of headers"
        self._end = time.monotonic() + limits.seconds
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(limits.seconds, self._expire)
        self._timer.daemon = True
        self._timer.start()

    @property
    def left(self) -> float:
        """Seconds until the deadline; 0 after it."""
        return max(0.0, self._end - time.monotonic())

    def over(self, connected: socket.socket) -> None:
        """Watch a connection from now on."""
        with self._lock:
            self._socket = connected
        if not self.left:
            self._expire()

    def end(self) -> None:
        """Watch nothing any more."""
        self._timer.cancel()
        with self._lock:
            self._socket = None

    def late(self) -> Late:
        """The failure of a request whose deadline has passed."""
        return Late(f"no whole answer within {self.limits.seconds:.0f} s")

    def too_large(self) -> TooLarge:
        """The failure of a request whose answer exceeds the limit of the moment."""
        return TooLarge(f"its answer {self._limit}")

    def body_begins(self) -> None:
        """From now on the body's limit holds; frames of chunks and trailers count as headers do."""
        self._left = MOST_HEADER_BYTES + self.limits.most_bytes
        self._limit = f"is larger than {shown(self.limits.most_bytes)}"

    def received(self, size: int) -> None:
        """Count bytes. Raises TooLarge and Late."""
        self._left -= size
        if self._left < 0:
            raise self.too_large()
        if not self.left:
            raise self.late()

    def _expire(self) -> None:
        with self._lock, contextlib.suppress(OSError):
            if self._socket is not None:
                # TLS sockets' own method would forget the session, and later reads would yield what is not decrypted.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def shown(size: int) -> str:
    """A number of bytes in words."""
    return f"{size >> 20} MiB" if size >> 20 else f"{size >> 10} KiB"
