"""A time server for machines that reach no other: of RFC 5905, the part that Talos uses."""

import socket
import struct
import threading
import time

PORT = 123
# From 1900, where the protocol begins, to 1970.
EPOCH = 2_208_988_800
_ASK = 3
_REPLY = 4


class Clock:
    """Answers with this computer's own time on one address until stopped."""

    def __init__(self, address: str, port: int = PORT) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, port))
        self.port = int(self._socket.getsockname()[1])
        self._stopping = False
        self._thread = threading.Thread(target=self._serve, name="clock", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            asked, who = self._socket.recvfrom(512)
            if self._stopping:
                return
            if answer := reply(asked, time.time()):
                self._socket.sendto(answer, who)

    def stop(self) -> None:
        """Stop serving and free the address."""
        self._stopping = True
        # An empty packet wakes the thread, which waits for a packet.
        self._socket.sendto(b"", self._socket.getsockname())
        self._thread.join(timeout=5)
        self._socket.close()


def reply(asked: bytes, now: float) -> bytes:
    """The answer to a packet at this time, in seconds since 1970; empty if the packet is no query."""
    if len(asked) < 48 or asked[0] & 7 != _ASK:
        return b""
    version = asked[0] >> 3 & 7
    stamp = _stamp(now)
    # Stratum 2, precision of a microsecond, no delay, no dispersion. The query's transmit time is returned as origin.
    head = struct.pack("!BBbb II 4s", version << 3 | _REPLY, 2, 6, -20, 0, 0, b"LOCL")
    return head + stamp + asked[40:48] + stamp + stamp


def _stamp(now: float) -> bytes:
    return struct.pack("!II", int(now) + EPOCH, int(now % 1 * (1 << 32)))
