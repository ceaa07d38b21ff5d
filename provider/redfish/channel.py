"""Requests to BMCs: over verified TLS, paced, retried where that is harmless, and with a deadline.

Everything about time is here. sushy's own retries have no deadline, and sushy can't pin a certificate.
"""

import email.utils
import re
import ssl
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import requests
from requests import exceptions as failures
from requests.adapters import HTTPAdapter

from core.facts.bmc import fingerprint_digits
from provider import parent
from provider.framework import UserError

from .access import Access
from .deadline import Deadline
from .errors import shown

# A burst of requests freezes some BMCs, which are small computers: one request at a time, with a pause in between.
GAP_SECONDS = 0.5
# The timeout of one request; TLS alone takes seconds on some BMCs.
REQUEST_SECONDS = 30.0
# How long an address may not answer at all: a BMC that restarts is back by then, and a wrong address stays wrong.
UNREACHABLE_SECONDS = 45.0
BACKOFF_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0)
# HTTP statuses of a busy BMC: the request is repeated.
BUSY = (429, 503)


class _Gate:
    """The pause between two requests to one BMC. The systems of a chassis share a BMC, and so its gate."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.free = 0.0

    def wait(self, deadline: Deadline) -> None:
        """Sleep until the next request may be sent, at most until the deadline."""
        time.sleep(max(0.0, min(self.free - time.monotonic(), deadline.left)))

    def used(self) -> None:
        """Start the pause after a request."""
        self.free = time.monotonic() + GAP_SECONDS


_gates: dict[str, _Gate] = {}
_gates_lock = threading.Lock()


def _gate(url: str) -> _Gate:
    with _gates_lock:
        return _gates.setdefault(url, _Gate())


class Trust(HTTPAdapter):
    """TLS that accepts only the authority or the certificate of a BMC's access.

    requests would accept the public authorities as well.
    """

    def __init__(self, access: Access) -> None:
        self._fingerprint = fingerprint_digits(access.fingerprint) if access.fingerprint else None
        self._context = ssl.create_default_context(cadata=access.ca)
        if self._fingerprint:
            # The digest proves a pinned certificate; BMCs ship with one that is self-signed and has another name.
            self._context.check_hostname = False
            self._context.verify_mode = ssl.CERT_NONE
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make connections with this TLS context."""
        super().init_poolmanager(*args, ssl_context=self._context, assert_fingerprint=self._fingerprint, **kwargs)

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        """The host's attributes and the TLS attributes (two mappings) that select a connection pool."""
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {"ssl_context": self._context, "assert_fingerprint": self._fingerprint}

    def cert_verify(self, *args: Any, **kwargs: Any) -> None:
        """Add nothing: the TLS context verifies the certificate."""


class Channel(requests.Session):
    """The HTTP session that sushy sends its requests through."""

    def __init__(self, access: Access, deadline: Deadline, say: Callable[[str], None]) -> None:
        super().__init__()
        self._access, self._url = access, access.url.rstrip("/")
        self._say = say
        self.deadline = deadline
        # Without the proxy and the .netrc of the environment.
        self.trust_env = False
        self.adapters.clear()
        self.mount("https://", Trust(access))

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """The response to a request, which is repeated until the BMC is not busy.

        Raises UserError at the deadline and for what a repetition can't fix, and Unanswered.
        """
        gate = _gate(self._url)
        if not gate.lock.acquire(timeout=self.deadline.left):
            raise self._late("waiting for other requests to it")
        try:
            return self._repeat(gate, str(method), str(url), args, kwargs)
        finally:
            gate.lock.release()

    def _repeat(self, gate: _Gate, method: str, url: str, args: Any, kwargs: Any) -> requests.Response:
        began, attempt, last = time.monotonic(), 0, "no answer yet"
        while True:
            gate.wait(self.deadline)
            self._may_send(last)
            pause = BACKOFF_SECONDS[min(attempt, len(BACKOFF_SECONDS) - 1)]
            try:
                answer = self._send(method, url, args, kwargs)
                if answer.status_code not in BUSY:
                    return answer
                last = f"HTTP {answer.status_code} to {self._shown(method, url)}"
                pause = _requested_pause(answer.headers.get("Retry-After"), pause)
            except _NoAnswer as failure:
                last = str(failure)
                if failure.unreachable and time.monotonic() - began >= UNREACHABLE_SECONDS:
                    raise self._unreachable(last) from None
            finally:
                gate.used()
            if pause >= self.deadline.left:
                raise self._unreachable(last) if "refused" in last or "route" in last else self._late(last)
            self._say(f"{self._url} is busy or unreachable ({last}); retrying in {pause:.0f} s")
            time.sleep(pause)
            attempt += 1

    def _may_send(self, last: str) -> None:
        if parent.is_gone():
            raise UserError(
                "the engine has ended; a request now would interfere with the next run; run up again to continue"
            )
        if not self.deadline.left:
            raise self._late(last)

    def _send(self, method: str, url: str, args: Any, kwargs: Any) -> requests.Response:
        """One request. Raises UserError, Unanswered, and _NoAnswer if it may be repeated."""
        seconds = max(0.05, min(REQUEST_SECONDS, self.deadline.left))
        try:
            return super().request(method, url, *args, **{**kwargs, "timeout": seconds})
        except failures.SSLError as error:
            raise self._untrusted(error) from None
        except failures.Timeout as error:
            late = f"no answer to {self._shown(method, url)} in {seconds:.0f} s"
            # The BMC may have carried the request out: its effect is read, and the request is not repeated.
            if method == "POST" and not isinstance(error, failures.ConnectTimeout):
                raise Unanswered(late) from None
            raise _NoAnswer(late, unreachable=False) from None
        except failures.InvalidSchema:
            raise UserError(
                f"{self._url} redirects to an address that is not https; credentials are never sent unencrypted; "
                "configure the BMC to serve Redfish over https only"
            ) from None
        except failures.RequestException as error:
            reason = _reason(error)
            if method == "POST" and "refused" not in reason:
                raise Unanswered(reason) from None
            raise _NoAnswer(reason, unreachable=True) from None

    def _shown(self, method: str, url: str) -> str:
        # A BMC writes the addresses of its own resources, and may repeat the credentials in them.
        return shown(self._access, f"{method} {url.removeprefix(self._url)}")

    def _late(self, last: str) -> UserError:
        return UserError(
            f"{self._url} did not answer as it should within {self.deadline.seconds:.0f} s (last: {last}); a BMC that "
            "hangs answers again after a cold reset of the BMC, which leaves the machine running; reset it, and run "
            "up again"
        )

    def _unreachable(self, last: str) -> UserError:
        return UserError(
            f"{self._url} is not reachable ({last}); without it the machine can be neither identified nor switched; "
            "check bmc.url, and that this computer is on the management network"
        )

    def _untrusted(self, error: Exception) -> UserError:
        shown = re.search(r'got "([0-9a-f:]+)"', str(error))
        if self._access.fingerprint:
            seen = (
                f"a certificate with the fingerprint {shown[1].replace(':', '')}" if shown else "no usable certificate"
            )
            return UserError(
                f"{self._url} shows {seen}, and {fingerprint_digits(self._access.fingerprint)} is pinned; the password "
                "must not go to another device; check on the BMC's console that the certificate is its own, and pin it"
            )
        why = re.search(r"certificate verify failed: ([^(]+?) \(", str(error)) or re.search(
            r"\[SSL: (\w+)\]", str(error)
        )
        return UserError(
            f"{self._url} shows a certificate that is not trusted ({why[1] if why else 'TLS failed'}); the password "
            "must not go to another device; write the ca that signed it, or pin its fingerprint"
        )


class Unanswered(Exception):
    """A request that changes something was sent, and it is unknown whether the BMC carried it out."""


class _NoAnswer(Exception):
    """A request had no answer, and may be repeated."""

    def __init__(self, reason: str, unreachable: bool) -> None:
        super().__init__(reason)
        self.unreachable = unreachable
        """Whether nothing at the address accepted the request."""


def _requested_pause(header: str | None, default: float) -> float:
    """Seconds of the pause that a Retry-After header (seconds or a date) requests; the default if it is unreadable."""
    text = (header or "").strip()
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, (email.utils.parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return default


def _reason(error: Exception) -> str:
    """The innermost reason in a few words, without the libraries' wrapping."""
    text = str(error)
    for pattern, words in (
        ("Connection refused", "connection refused"),
        ("No route to host", "no route to host"),
        ("Network is unreachable", "no route to host"),
        ("NameResolutionError|Name or service not known|getaddrinfo", "unknown host name"),
        ("reset by peer|RemoteDisconnected|closed connection|Connection aborted", "connection closed"),
    ):
        if re.search(pattern, text):
            return words
    return type(error).__name__
