"""Chart repositories: one packed chart by its address, which is believed only with the right digest."""

import hashlib
import ssl
from urllib.parse import urlsplit

from .bounded import Failed, Limits, Request, exchange

# Cilium's packed chart has 0.2 MiB.
LIMITS = Limits(seconds=60.0, most_bytes=20 << 20)


class Unusable(Exception):
    """A repository did not yield the chart. The message is one line and quotes nothing of the answer."""


def fetch(url: str, sha256: str, tls: ssl.SSLContext | None = None, limits: Limits = LIMITS) -> bytes:
    """The packed chart at an https address.

    sha256: its digest as 64 lower-case hexadecimal digits. tls: None trusts what this computer trusts.
    Raises Unusable, also for a chart with another digest.
    """
    host = urlsplit(url).netloc
    try:
        answer = exchange(Request("GET", url), tls or ssl.create_default_context(), limits)
    except Failed as failed:
        raise Unusable(f"{host}: {failed}") from None
    if answer.status != 200:
        elsewhere = ", and redirects are not followed" if 300 <= answer.status < 400 else ""
        raise Unusable(f"{host} answered with status {answer.status}{elsewhere}")
    if (digest := hashlib.sha256(answer.body).hexdigest()) != sha256:
        raise Unusable(f"{host} served another file, with the digest sha256:{digest}")
    return answer.body
