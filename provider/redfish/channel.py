"""Requests to BMCs: over verified TLS, paced, retried where that is harmless, and with a deadline.

Everything about time is here. sushy's own retries have no deadline, and sushy can't pin a certificate.
"""

import ssl
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests import exceptions as failures
from requests.adapters import BaseAdapter

from clients import bounded
from core.facts.bmc import fingerprint_digits
from provider import parent
from provider.framework import UserError

from .access import Access
from .deadline import Deadline
from .errors import NoAnswer, Unanswered, shown
from .retry_after import requested_pause

# A burst of requests freezes some BMCs, which are small computers: one request at a time, with a pause in between.
GAP_SECONDS = 0.5
# The deadline of one request, from the name's resolution to the answer's last byte; TLS alone takes seconds on some
# BMCs.
REQUEST_SECONDS = 30.0
# An answer of Redfish has a few KiB; a large collection has some hundred.
MOST_BYTES = 4 << 20
# To another path of the same BMC, for example with a slash at its end.
MOST_REDIRECTS = 3
# How long an address may not answer at all: a BMC that restarts is back by then, and a wrong address stays wrong.
UNREACHABLE_SECONDS = 45.0
BACKOFF_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0)
# HTTP statuses of a busy BMC: the request is repeated.
BUSY = (429, 503)
# The port of an https URL without one.
HTTPS = 443


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


class Transport(BaseAdapter):
    """Carries requests' requests out within a deadline, and accepts only the authority or certificate of the access.

    requests would accept the public authorities as well, and its timeouts are those of single reads.
    """

    def __init__(self, access: Access) -> None:
        super().__init__()
        self._fingerprint = fingerprint_digits(access.fingerprint) if access.fingerprint else None
        self._context = ssl.create_default_context(cadata=access.ca)
        if self._fingerprint:
            # The digest proves a pinned certificate; BMCs ship with one that is self-signed and has another name.
            self._context.check_hostname = False
            self._context.verify_mode = ssl.CERT_NONE
        self.deadline = Deadline.after(0.0)
        """The end of the request, its redirects included."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """The response to one request. Raises the failures of clients.bounded."""
        body = request.body.encode() if isinstance(request.body, str) else request.body
        sent = bounded.Request(str(request.method), str(request.url), dict(request.headers), body)
        limits = bounded.Limits(max(0.05, self.deadline.left), MOST_BYTES)
        answer = bounded.exchange(sent, self._context, limits, fingerprint=self._fingerprint)
        response = requests.Response()
        response.status_code, response.request, response.url = answer.status, request, str(request.url)
        response.headers.update(answer.headers)
        # Redfish is JSON in UTF-8; a named codec or a guess would let the BMC choose how long the decoding takes.
        response.encoding = "utf-8"
        response._content = answer.body
        response._content_consumed = True  # type: ignore[attr-defined]  # The stubs omit it.
        return response

    def close(self) -> None:
        """Close nothing: a connection ends with its request."""


class Channel(requests.Session):
    """The HTTP session that sushy sends its requests through."""

    def __init__(self, access: Access, deadline: Deadline, say: Callable[[str], None]) -> None:
        super().__init__()
        self._access, self._url = access, access.url.rstrip("/")
        self._say = say
        self.deadline = deadline
        # Without the proxy and the .netrc of the environment.
        self.trust_env = False
        self.max_redirects = MOST_REDIRECTS
        self.adapters.clear()
        self._transport = Transport(access)
        self.mount("https://", self._transport)

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Where a response redirects to: only to another path of the same BMC. Raises UserError otherwise."""
        target = super().get_redirect_target(resp)
        if target is not None:
            self._require_own(urljoin(str(resp.url), target), "redirects")
        return target

    def _require_own(self, url: str, what: str) -> None:
        if _origin(url) != _origin(self._url):
            raise UserError(
                f"{self._url} {what} to another address; the password is for this BMC only, so nothing was sent "
                "there; configure the BMC to serve Redfish at this address, or correct bmc.url"
            )

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """The response to a request, which is repeated until the BMC is not busy.

        Raises UserError at the deadline and for what a repetition can't fix, and Unanswered.
        """
        # A BMC writes the addresses of its own resources, and may write another host's.
        self._require_own(str(url), "links")
        gate = _gate(self._url)
        if not gate.lock.acquire(timeout=self.deadline.left):
            raise self._late("waiting for other requests to it")
        try:
            return self._repeat(gate, str(method), str(url), args, kwargs)
        finally:
            gate.lock.release()

    def _repeat(self, gate: _Gate, method: str, url: str, args: Any, kwargs: Any) -> requests.Response:
        began, attempt, last, refused = time.monotonic(), 0, "no answer yet", False
        while True:
            gate.wait(self.deadline)
            self._may_send(last)
            pause = BACKOFF_SECONDS[min(attempt, len(BACKOFF_SECONDS) - 1)]
            try:
                answer = self._send(method, url, args, kwargs)
                if answer.status_code not in BUSY:
                    return answer
                last, refused = f"HTTP {answer.status_code} to {self._shown(method, url)}", False
                pause = requested_pause(answer.headers.get("Retry-After"), pause)
            except NoAnswer as failure:
                last, refused = str(failure), failure.unreachable
                if not failure.late and time.monotonic() - began >= UNREACHABLE_SECONDS:
                    raise self._unreachable(last) from None
            finally:
                gate.used()
            if pause >= self.deadline.left:
                raise self._unreachable(last) if refused else self._late(last)
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
        """One request. Raises UserError, Unanswered, and NoAnswer if it may be repeated."""
        seconds = max(0.05, min(REQUEST_SECONDS, self.deadline.left))
        self._transport.deadline = Deadline.after(seconds)
        try:
            return super().request(method, url, *args, **kwargs)
        except bounded.Untrusted as error:
            raise self._untrusted(error) from None
        except bounded.TooLarge as error:
            raise self._not_redfish(f"{error}, to {self._shown(method, url)}") from None
        except bounded.Failed as error:
            late = isinstance(error, bounded.Late)
            text = str(error)
            reason = (
                f"no answer to {self._shown(method, url)} in {seconds:.0f} s" if late else text[:1].lower() + text[1:]
            )
            # The BMC may have carried the request out: its effect is read, and the request is not repeated.
            if method == "POST" and error.sent:
                raise Unanswered(reason) from None
            raise NoAnswer(reason, late, isinstance(error, bounded.Unreachable)) from None
        except failures.RequestException as error:
            raise self._not_redfish(f"{type(error).__name__} at {self._shown(method, url)}") from None

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

    def _not_redfish(self, why: str) -> UserError:
        return UserError(
            f"{self._url} does not answer as Redfish requires ({why}); the machine can be neither identified nor "
            f"switched; the address may be another device's; check bmc.url with: curl -k {self._url}/redfish/v1/"
        )

    def _untrusted(self, error: bounded.Untrusted) -> UserError:
        if self._access.fingerprint:
            seen = f"a certificate with the fingerprint {error.fingerprint}"
            return UserError(
                f"{self._url} shows {seen if error.fingerprint else 'no usable certificate'}, and "
                f"{fingerprint_digits(self._access.fingerprint)} is pinned; the password "
                "must not go to another device; check on the BMC's console that the certificate is its own, and pin it"
            )
        return UserError(
            f"{self._url} shows a certificate that is not trusted ({error.why}); the password "
            "must not go to another device; write the ca that signed it, or pin its fingerprint"
        )


def _origin(url: str) -> tuple[str, str | None, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or HTTPS
