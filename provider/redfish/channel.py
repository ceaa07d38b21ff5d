"""Requests to BMCs: trusted, paced, tried again where that is harmless, and never without an end.

Everything about time is here. sushy's own retries know no deadline, and it offers no place for a pinned certificate.
"""

import email.utils
import re
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import requests
from requests import exceptions as failures
from requests.adapters import HTTPAdapter

from core.facts.bmc import fingerprint_digits
from provider import parent
from provider.framework import UserError

from .access import Access

# A BMC is a small computer: a burst of requests freezes some. One request at a time, with a pause before the next.
GAP_SECONDS = 0.5
# One request may take this long; TLS alone takes seconds on some.
REQUEST_SECONDS = 30.0
# Nobody at the address at all: a wrong address stays wrong, while a BMC that restarts is back after a while.
UNREACHABLE_SECONDS = 45.0
BACKOFF_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0)
# Whoever answers this is there and busy.
BUSY = (429, 503)


@dataclass(frozen=True)
class Deadline:
    """When it is over, by the clock that nobody sets."""

    seconds: float
    end: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        return cls(seconds, time.monotonic() + seconds)

    @property
    def left(self) -> float:
        return max(0.0, self.end - time.monotonic())


class _Gate:
    """The pause between two requests to one BMC, whoever asks: the systems of one chassis share it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.free = 0.0

    def wait(self, deadline: Deadline) -> None:
        time.sleep(max(0.0, min(self.free - time.monotonic(), deadline.left)))

    def used(self) -> None:
        self.free = time.monotonic() + GAP_SECONDS


_gates: dict[str, _Gate] = {}
_gates_lock = threading.Lock()


def _gate(url: str) -> _Gate:
    with _gates_lock:
        return _gates.setdefault(url, _Gate())


class Trust(HTTPAdapter):
    """TLS that trusts what a BMC's access names. requests would add the authorities of the web to it."""

    def __init__(self, access: Access) -> None:
        self._fingerprint = fingerprint_digits(access.fingerprint) if access.fingerprint else None
        self._context = ssl.create_default_context(cadata=access.ca)
        if self._fingerprint:
            # A pinned certificate is its own proof: self-signed and made for another name, as BMCs come.
            self._context.check_hostname = False
            self._context.verify_mode = ssl.CERT_NONE
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, assert_fingerprint=self._fingerprint, **kwargs)

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {"ssl_context": self._context, "assert_fingerprint": self._fingerprint}

    def cert_verify(self, *args: Any, **kwargs: Any) -> None:
        """The context has said it all."""


class Channel(requests.Session):
    """What sushy sends its requests through."""

    def __init__(self, access: Access, deadline: Deadline, say: Callable[[str], None]) -> None:
        super().__init__()
        self._access, self._url = access, access.url.rstrip("/")
        self._say = say
        self.deadline = deadline
        # Neither a proxy nor a .netrc of the environment may come between.
        self.trust_env = False
        self.adapters.clear()
        self.mount("https://", Trust(access))

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """Asks until there is an answer that says something. Raises UserError when there is none in time."""
        gate = _gate(self._url)
        if not gate.lock.acquire(timeout=self.deadline.left):
            raise self._late("others are asking it")
        try:
            return self._asked(gate, str(method), str(url), args, kwargs)
        finally:
            gate.lock.release()

    def _asked(self, gate: _Gate, method: str, url: str, args: Any, kwargs: Any) -> requests.Response:
        began, attempt, last = time.monotonic(), 0, "no answer yet"
        what = f"{method} {url.removeprefix(self._url)}"
        while True:
            gate.wait(self.deadline)
            if parent.is_gone():
                raise UserError(
                    "the engine is gone; what is done now would come between the machines and the next run; run up again"
                )
            if not self.deadline.left:
                raise self._late(last)
            pause = BACKOFF_SECONDS[min(attempt, len(BACKOFF_SECONDS) - 1)]
            kwargs["timeout"] = seconds = max(0.05, min(REQUEST_SECONDS, self.deadline.left))
            try:
                answer = super().request(method, url, *args, **kwargs)
                if answer.status_code not in BUSY:
                    return answer
                last = f"HTTP {answer.status_code} to {what}"
                pause = _asked_for(answer.headers.get("Retry-After"), pause)
            except failures.SSLError as error:
                raise self._untrusted(error) from None
            except failures.Timeout as error:
                last = f"no answer to {what} in {seconds:.0f} s"
                # It may have been done all the same: what it was to do is looked at, and not asked for twice.
                if method == "POST" and not isinstance(error, failures.ConnectTimeout):
                    raise Unanswered(last) from None
            except failures.InvalidSchema:
                raise UserError(
                    f"{self._url} leads on to an address that is not https; credentials never go in the clear; "
                    "let the BMC serve Redfish over https alone"
                ) from None
            except failures.RequestException as error:
                last = _reason(error)
                if method == "POST" and "refused" not in last:
                    raise Unanswered(last) from None
                if time.monotonic() - began >= UNREACHABLE_SECONDS:
                    raise self._unreachable(last) from None
            finally:
                gate.used()
            if pause >= self.deadline.left:
                raise self._unreachable(last) if "refused" in last or "route" in last else self._late(last)
            self._say(f"{self._url} is asked again in {pause:.0f} s (last: {last})")
            time.sleep(pause)
            attempt += 1

    def _late(self, last: str) -> UserError:
        return UserError(
            f"{self._url} did not do what it was asked within {self.deadline.seconds:.0f} s (last: {last}); a BMC that "
            "hangs answers again after a cold reset of its own, which leaves the machine running; reset it, and run up again"
        )

    def _unreachable(self, last: str) -> UserError:
        return UserError(
            f"{self._url} is not reachable ({last}); the machine behind it can be neither identified nor switched; "
            "check bmc.url, and that this computer is on the management network"
        )

    def _untrusted(self, error: Exception) -> UserError:
        shown = re.search(r'got "([0-9a-f:]+)"', str(error))
        if self._access.fingerprint:
            seen = (
                f"a certificate with the fingerprint {shown[1].replace(':', '')}" if shown else "no usable certificate"
            )
            return UserError(
                f"{self._url} shows {seen}, and {fingerprint_digits(self._access.fingerprint)} is pinned; the password must not go "
                "to another device; see on its console that the certificate is its own, and pin that one"
            )
        why = re.search(r"certificate verify failed: ([^(]+?) \(", str(error)) or re.search(
            r"\[SSL: (\w+)\]", str(error)
        )
        return UserError(
            f"{self._url} shows a certificate that is not trusted ({why[1] if why else 'TLS failed'}); the password must "
            "not go to another device; give the ca that signed it, or pin its fingerprint"
        )


class Unanswered(Exception):
    """A request that changes something was sent, and nobody knows whether it was carried out."""


def _asked_for(header: str | None, otherwise: float) -> float:
    """The pause that a Retry-After asks for: seconds, or a date."""
    text = (header or "").strip()
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, (email.utils.parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return otherwise


def _reason(error: Exception) -> str:
    """The innermost reason in a few words: the libraries wrap it in their own, addresses of objects and all."""
    text = str(error)
    for pattern, words in (
        ("Connection refused", "connection refused"),
        ("No route to host", "no route to it"),
        ("Network is unreachable", "no route to it"),
        ("NameResolutionError|Name or service not known|getaddrinfo", "its name is not known"),
        ("reset by peer|RemoteDisconnected|closed connection|Connection aborted", "it hung up"),
    ):
        if re.search(pattern, text):
            return words
    return type(error).__name__
