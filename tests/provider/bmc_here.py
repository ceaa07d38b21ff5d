"""The BMC of bmc.py within the process of the tests: without TLS, and with requests that a process dies after.

One for a process of tests: sushy-tools has one service for a process, which knows the systems of its first request.
"""

import ssl
from typing import Any
from urllib.parse import urlsplit

from clients import bounded
from tests.bmcs import Bmc
from tests.provider import bmc


class Killed(BaseException):
    """What ends a process that is killed here: nothing that it would still do has an effect."""


class Life:
    """The requests of one process until it is killed: after request `kill_at`, whose answer it never reads."""

    def __init__(self, kill_at: int) -> None:
        self._left, self.killed = kill_at, False

    def require(self) -> None:
        """Raises Killed in a process that was killed, whatever its error handling still sends or says."""
        if self.killed:
            raise Killed

    def sent(self) -> None:
        """One more request was carried out. Raises Killed if it is the last."""
        self._left -= 1
        self.killed = self._left == 0
        self.require()


class BmcHere(Bmc):
    """It answers `exchange`, which a test puts in the place of clients.bounded.exchange."""

    life: Life | None = None
    """That of the process that sends requests; None for one that is not killed."""

    def start(self) -> "BmcHere":
        self._client = bmc.configured(self.config()).test_client()
        return self

    def request_root(self) -> None:
        self._client.get("/redfish/v1/")

    def exchange(
        self, request: bounded.Request, tls: ssl.SSLContext, limits: bounded.Limits, **how: Any
    ) -> bounded.Answer:
        if self.life:
            self.life.require()
        answer = self._client.open(
            urlsplit(request.url).path,
            base_url=self.url,
            method=request.method,
            headers=dict(request.headers),
            data=request.body,
        )
        if self.life:
            self.life.sent()
        return bounded.Answer(answer.status_code, dict(answer.headers), answer.get_data())
