"""A client of the Kubernetes API for a kubeconfig, with nothing but the standard library."""

import json
import os
import re
import ssl
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from core.credentials import kubeconfig
from core.credentials.kubeconfig import Kubeconfig

REQUEST_SECONDS = 5.0


class CredentialsRefused(Exception):
    """The API does not accept this client certificate."""


@dataclass(frozen=True)
class Access:
    """The API of a kubeconfig's current context, and the client certificate for it, as PEM texts."""

    server: str
    ca: str
    certificate: str
    key: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> "Access":
        """The access that a kubeconfig's text describes.

        Raises KubeconfigRefused for a text with anything else in it; it quotes nothing of the text.
        """
        return cls.of(kubeconfig.parse(text))

    @classmethod
    def of(cls, known: Kubeconfig) -> "Access":
        """The access that a kubeconfig's parts describe."""
        return cls(known.server, known.authority, known.certificate, known.key)

    @contextmanager
    def tls(self) -> Iterator[ssl.SSLContext]:
        """A TLS context that trusts only this cluster."""
        with client_tls(self.ca, self.certificate, self.key) as context:
            yield context


@contextmanager
def client_tls(ca: str, certificate: str, key: str) -> Iterator[ssl.SSLContext]:
    """A TLS context with a client certificate, from PEM texts.

    Python loads keys only from files, so the key is in a file of mode 0600 for a moment.
    """
    context = ssl.create_default_context(cadata=ca)
    with tempfile.TemporaryDirectory(prefix="bedplate-") as folder:  # Made with mode 0700.
        path = os.path.join(folder, "client.pem")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(certificate + "\n" + key)
        context.load_cert_chain(path)
    yield context


def get(access: Access, tls: ssl.SSLContext, path: str) -> str:
    """The body of the response to a GET. Raises OSError where there is none, and CredentialsRefused."""
    return _ask(access, tls, "GET", path)


def delete(access: Access, tls: ssl.SSLContext, path: str) -> None:
    """Delete an object if it exists. Raises OSError and CredentialsRefused."""
    try:
        _ask(access, tls, "DELETE", path)
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise


def post(access: Access, tls: ssl.SSLContext, path: str, body: Mapping[str, Any]) -> None:
    """Create an object. Raises OSError, whose reason why() gives in the API's words, and CredentialsRefused."""
    _ask(access, tls, "POST", path, body)


def patch(access: Access, tls: ssl.SSLContext, path: str, body: Mapping[str, Any]) -> None:
    """Change the fields that the body names (a merge patch). Raises OSError and CredentialsRefused."""
    _ask(access, tls, "PATCH", path, body, "application/merge-patch+json")


def why(error: OSError) -> str:
    """Why the API did not carry out a request, in one line: the causes that it lists, else its message."""
    if not isinstance(error, urllib.error.HTTPError):
        return str(getattr(error, "reason", error))
    status = _status(error)
    causes = [
        str(cause["message"]) for cause in (status.get("details") or {}).get("causes") or [] if cause.get("message")
    ]
    return " ".join(("; ".join(causes) or str(status.get("message") or f"HTTP {error.code}")).split())


def _status(error: urllib.error.HTTPError) -> dict[str, Any]:
    """The Status object in an error's body. The body can be read only once, so the Status is kept on the error."""
    kept = getattr(error, "status_object", None)
    if kept is None:
        try:
            kept = json.loads(error.read())
        except (OSError, ValueError):
            kept = {}
        kept = kept if isinstance(kept, dict) else {}
        # An attribute of ours on the library's error.
        error.status_object = kept  # type: ignore[attr-defined]
    return dict(kept)


def _ask(
    access: Access,
    tls: ssl.SSLContext,
    method: str,
    path: str,
    body: Mapping[str, Any] | None = None,
    kind: str = "application/json",
) -> str:
    # Without the proxy of the environment: the API is on the node network.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=tls))
    try:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{access.server}{path}", data, {"Content-Type": kind} if data else {}, method=method
        )
        with opener.open(request, timeout=REQUEST_SECONDS) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        # An accepted client may still be denied a request, by a webhook or in a namespace that is being deleted.
        denied = error.code == 403 and re.search(
            "admission webhook|being terminated", str(_status(error).get("message"))
        )
        if error.code not in (401, 403) or denied:
            raise
        raise CredentialsRefused(
            f"{access.server} refuses this client certificate (HTTP {error.code}); it belongs to another "
            "cluster, or has expired; renew it with: ./bedplate up STACK --target-replace '**talos-kubeconfig'"
        ) from None
