"""One request and its whole answer."""

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .connection import Connection
from .content import unpacked
from .failures import Broken, Failed, Late, TooLarge, Untrusted
from .watch import Limits, Watch

# One read.
_PIECE_BYTES = 64 << 10


@dataclass(frozen=True)
class Request:
    """One request to an https address."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True)
class Answer:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def exchange(request: Request, tls: ssl.SSLContext, limits: Limits, *, fingerprint: str | None = None) -> Answer:
    """The whole answer to a request, whatever its status is; a redirect is an answer.

    fingerprint: SHA-256 of the only accepted certificate, as 64 lower-case hexadecimal digits.
    Raises Unreachable, Untrusted, Late, TooLarge and Broken.
    """
    watch = Watch(limits)
    connection = Connection(request.url, tls, fingerprint, watch)
    try:
        connection.connect()
        parts = urlsplit(request.url)
        # Nothing is packed that was not asked for, and the connection is not used again.
        headers = {"Accept-Encoding": "identity", **request.headers, "Connection": "close"}
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(request.method, path, request.body, headers)
        return _answer(connection.getresponse(), watch)
    except (OSError, http.client.HTTPException, ValueError) as error:
        failure = _failure(error, watch)
        failure.sent = connection.trusted
        raise failure from None
    finally:
        # Before the descriptor is closed, because its number may be another connection's afterwards.
        watch.end()
        connection.close()


def _failure(error: Exception, watch: Watch) -> Failed:
    if isinstance(error, Late | TooLarge | Untrusted):
        return error
    if not watch.left or isinstance(error, TimeoutError):
        return watch.late()
    if isinstance(error, Failed):
        return error
    if isinstance(error, ssl.SSLError):
        return Broken(f"TLS failed ({error.reason})" if error.reason else "the connection was closed")
    if isinstance(error, ConnectionError | http.client.IncompleteRead):
        return Broken("the connection was closed")
    return Broken(f"its answer is not HTTP ({type(error).__name__})")


def _answer(response: http.client.HTTPResponse, watch: Watch) -> Answer:
    most_bytes = watch.limits.most_bytes
    watch.body_begins()
    announced = response.length or 0
    if announced > most_bytes:
        raise watch.too_large()
    pieces, size = [], 0
    # Never read() without a size: it would reserve the announced length at once.
    while piece := response.read(_PIECE_BYTES):
        pieces.append(piece)
        size += len(piece)
        if size > most_bytes:
            raise watch.too_large()
    if not watch.left:
        raise watch.late()
    if size < announced:
        raise Broken("the connection was closed")
    body = b"".join(pieces)
    packing = response.headers.get("Content-Encoding", "identity").strip().lower()
    if packing == "gzip":
        # Some BMCs pack although they were asked not to.
        body = unpacked(body, most_bytes)
    elif packing not in ("", "identity"):
        raise Broken("its answer has a content encoding that was not asked for")
    return Answer(response.status, dict(response.headers.items()), body)
