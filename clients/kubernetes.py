"""A client of the Kubernetes API for a kubeconfig, with nothing but the standard library."""

import http.client
import io
import json
import os
import re
import ssl
import tempfile
import urllib.error
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

from clients import bounded
from core.credentials import kubeconfig
from core.credentials.kubeconfig import Kubeconfig
from core.printable import printable

# The deadline of one request, from the name's resolution to the answer's last byte.
REQUEST_SECONDS = 10.0
# A list of a thousand Pods has about 10 MiB, and a release of Cilium's chart 0.3 MiB a revision.
MOST_BYTES = 16 << 20
# The length of a reason that the API gives: an admission webhook's may name several causes.
REASON_CHARACTERS = 500


class CredentialsRefused(Exception):
    """The API does not accept this client certificate: one printable line."""

    def __init__(self, text: str) -> None:
        super().__init__(printable(text, 2 * REASON_CHARACTERS))


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


def read(access: Access, tls: ssl.SSLContext, path: str) -> dict[str, Any]:
    """The object of the response to a GET, keyed as the API has it. Raises OSError, and Broken for another response."""
    value = bounded.from_json(get(access, tls, path).encode())
    if not isinstance(value, dict):
        raise bounded.Broken("its answer is not an object")
    return value


def items(access: Access, tls: ssl.SSLContext, path: str) -> list[dict[str, Any]]:
    """The objects of a list, each keyed as the API has it. Raises OSError, and Broken if it is no list."""
    found = read(access, tls, path).get("items")
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise bounded.Broken("its answer is not a list of objects")
    return found


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
    """Why the API did not carry out a request, in one printable line: the causes that it lists, else its message."""
    if not isinstance(error, urllib.error.HTTPError):
        return printable(getattr(error, "reason", error))
    status = _status(error)
    causes = [
        str(cause["message"]) for cause in (status.get("details") or {}).get("causes") or [] if cause.get("message")
    ]
    return printable("; ".join(causes) or str(status.get("message") or f"HTTP {error.code}"), REASON_CHARACTERS)


def _status(error: urllib.error.HTTPError) -> dict[str, Any]:
    """The Status object in an error's body. The body can be read only once, so the Status is kept on the error."""
    kept = getattr(error, "status_object", None)
    if kept is None:
        try:
            kept = bounded.from_json(error.read())
        except OSError:
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
    data = None if body is None else json.dumps(body).encode()
    url, headers = f"{access.server}{path}", {"Content-Type": kind} if data else {}
    limits = bounded.Limits(REQUEST_SECONDS, MOST_BYTES)
    answer = bounded.exchange(bounded.Request(method, url, headers, data), tls, limits)
    if answer.status < 300:
        return answer.body.decode(errors="replace")
    # Redirects too: the API has none, and the certificate is for this server.
    reason = http.client.responses.get(answer.status, "")
    error = urllib.error.HTTPError(url, answer.status, reason, Message(), io.BytesIO(answer.body))
    # An accepted client may still be denied a request, by a webhook or in a namespace that is being deleted.
    denied = error.code == 403 and re.search(
        "admission webhook|being terminated|can be resized", str(_status(error).get("message"))
    )
    if error.code not in (401, 403) or denied:
        raise error
    raise CredentialsRefused(
        f"{access.server} refuses this client certificate (HTTP {error.code}); it belongs to another "
        "cluster, or has expired; renew it with: ./bedplate up STACK --target-replace '**talos-kubeconfig'"
    )
