"""A TLS connection to the one server that has the right certificate, watched from its first byte on."""

import hashlib
import http.client
import queue
import socket
import ssl
import threading
from typing import Any
from urllib.parse import urlsplit

from .failures import Broken, Unreachable, Untrusted
from .watch import Watch


class Counting(ssl.SSLSocket):
    """A TLS connection whose received bytes are counted."""

    watch: Watch

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """Read. Returns the number of bytes. Raises TooLarge, Late and OSError."""
        size = super().recv_into(*args, **kwargs)
        self.watch.received(size)
        return size


class Connection(http.client.HTTPConnection):
    """A connection to the one server that has the right certificate."""

    def __init__(self, url: str, tls: ssl.SSLContext, pin: str | None, watch: Watch) -> None:
        parts = urlsplit(url)
        super().__init__(parts.hostname or "", parts.port or 443)
        self._tls, self._pin, self._watch = tls, pin, watch
        self.trusted = False
        """Whether the certificate is the right one; nothing is sent before."""

    def connect(self) -> None:
        """Connect, and compare the certificate. Raises Unreachable, Untrusted, Late, Broken and OSError."""
        plain = connected(self.host, self.port, self._watch)
        self._tls.sslsocket_class = Counting
        # A server that wants another handshake in the middle of an answer gets none.
        self._tls.options |= ssl.OP_NO_RENEGOTIATION
        try:
            secure: Any = self._tls.wrap_socket(plain, server_hostname=self.host, do_handshake_on_connect=False)
        except (OSError, ValueError):
            plain.close()
            raise
        secure.watch = self._watch
        self.sock = secure
        self._watch.over(secure)
        self._handshake(secure)

    def _handshake(self, secure: Any) -> None:
        try:
            secure.do_handshake()
        except ssl.SSLError as error:
            if not self._watch.left:
                raise self._watch.late() from None
            if isinstance(error, ssl.SSLEOFError):
                raise Broken("the connection was closed") from None
            reason = getattr(error, "verify_message", None) or error.reason or "TLS failed"
            raise Untrusted(reason.rstrip(".")) from None
        seen = hashlib.sha256(secure.getpeercert(binary_form=True) or b"").hexdigest()
        if self._pin is not None and seen != self._pin:
            raise Untrusted("it is not the pinned one", seen)
        self.trusted = True


def connected(host: str, port: int, watch: Watch) -> socket.socket:
    """A connection to the first address of a host that accepts one. Raises Unreachable and Late."""
    addresses = _addresses(host, port, watch)
    failure: OSError | None = None
    for position, (family, kind, protocol, _, address) in enumerate(addresses):
        plain = socket.socket(family, kind, protocol)
        # An address that does not answer leaves time for the others.
        plain.settimeout(max(0.01, watch.left / (len(addresses) - position)))
        try:
            plain.connect(address)
        except OSError as error:
            plain.close()
            failure = error
            continue
        plain.settimeout(max(0.01, watch.left))
        return plain
    if isinstance(failure, TimeoutError):
        raise watch.late()
    raise Unreachable(getattr(failure, "strerror", None) or "no address")


def _addresses(host: str, port: int, watch: Watch) -> list[Any]:
    """The addresses of a host, as getaddrinfo has them. A thread waits for the resolver, whose timeouts are its own."""
    results: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_resolve, args=(host, port, results), daemon=True).start()
    try:
        result = results.get(timeout=watch.left)
    except queue.Empty:
        raise watch.late() from None
    if isinstance(result, Exception):
        raise Unreachable(getattr(result, "strerror", None) or "unknown host name")
    return list(result)


def _resolve(host: str, port: int, results: "queue.SimpleQueue[Any]") -> None:
    try:
        results.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError) as error:
        results.put(error)
