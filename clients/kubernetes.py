"""The Kubernetes API behind a kubeconfig, asked with nothing but the standard library."""

import base64
import binascii
import json
import os
import re
import ssl
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import yaml

REQUEST_SECONDS = 5.0


class Refused(Exception):
    """The API does not take this client."""


@dataclass(frozen=True)
class Access:
    """The API of a kubeconfig's current context."""

    server: str
    ca: str
    certificate: str
    key: str

    @classmethod
    def parse(cls, text: str) -> "Access":
        """Raises ValueError, which says what is missing and never what is there."""
        try:
            config = yaml.safe_load(text)
            context = _named(config["contexts"], config["current-context"])["context"]
            cluster = _named(config["clusters"], context["cluster"])["cluster"]
            user = _named(config["users"], context["user"])["user"]
            pem = [
                base64.b64decode(of[what], validate=True).decode()
                for of, what in (
                    (cluster, "certificate-authority-data"),
                    (user, "client-certificate-data"),
                    (user, "client-key-data"),
                )
            ]
            return cls(cluster["server"], *pem)
        except (KeyError, TypeError, StopIteration, binascii.Error, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ValueError(
                f"is not a kubeconfig with a client certificate ({type(error).__name__}); the API is asked with it; "
                "take the one that Talos hands out"
            ) from None

    @contextmanager
    def tls(self) -> Iterator[ssl.SSLContext]:
        """A context that trusts this cluster alone."""
        with client_tls(self.ca, self.certificate, self.key) as context:
            yield context


@contextmanager
def client_tls(ca: str, certificate: str, key: str) -> Iterator[ssl.SSLContext]:
    """A context for mTLS from PEM texts. Python loads keys from files only, so one is there, 0600, for a moment."""
    context = ssl.create_default_context(cadata=ca)
    with tempfile.TemporaryDirectory(prefix="bedplate-") as folder:  # Made with mode 0700.
        path = os.path.join(folder, "client.pem")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(certificate + "\n" + key)
        context.load_cert_chain(path)
    yield context


def _named(entries: list[Any], name: str) -> Any:
    return next(e for e in entries if e["name"] == name)


def get(access: Access, tls: ssl.SSLContext, path: str) -> str:
    """The answer to a GET. Raises OSError where there is none, Refused where this client is refused."""
    return _ask(access, tls, "GET", path)


def delete(access: Access, tls: ssl.SSLContext, path: str) -> None:
    """Delete one object; one that is gone already is as good. Raises OSError and Refused."""
    try:
        _ask(access, tls, "DELETE", path)
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise


def post(access: Access, tls: ssl.SSLContext, path: str, body: Mapping[str, Any]) -> None:
    """Make one object. Raises OSError and Refused; why() has the reason in the API's words."""
    _ask(access, tls, "POST", path, body)


def patch(access: Access, tls: ssl.SSLContext, path: str, body: Mapping[str, Any]) -> None:
    """Change what the body names and nothing else. Raises OSError and Refused."""
    _ask(access, tls, "PATCH", path, body, "application/merge-patch+json")


def why(error: OSError) -> str:
    """What the API said to a request that it did not carry out: its causes where it tells some, in one line."""
    if not isinstance(error, urllib.error.HTTPError):
        return str(getattr(error, "reason", error))
    told = _status(error)
    causes = [
        str(cause["message"]) for cause in (told.get("details") or {}).get("causes") or [] if cause.get("message")
    ]
    return " ".join(("; ".join(causes) or str(told.get("message") or f"HTTP {error.code}")).split())


def _status(error: urllib.error.HTTPError) -> dict[str, Any]:
    """The Status in an answer's body, which can be read once only and is kept beside it."""
    if not hasattr(error, "told"):
        try:
            told = json.loads(error.read())
        except (OSError, ValueError):
            told = None
        error.told = told if isinstance(told, dict) else {}  # type: ignore[attr-defined]
    return dict(error.told)  # type: ignore[attr-defined]


def _ask(
    access: Access,
    tls: ssl.SSLContext,
    method: str,
    path: str,
    body: Mapping[str, Any] | None = None,
    kind: str = "application/json",
) -> str:
    # A proxy of the environment must not come between: the API is on the node network.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=tls))
    try:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{access.server}{path}", data, {"Content-Type": kind} if data else {}, method=method
        )
        with opener.open(request, timeout=REQUEST_SECONDS) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        # Who is let in may still be denied one request, by a webhook or in a namespace that ends.
        denied = error.code == 403 and re.search(
            "admission webhook|being terminated", str(_status(error).get("message"))
        )
        if error.code not in (401, 403) or denied:
            raise
        raise Refused(
            f"{access.server} refuses this client certificate (HTTP {error.code}); it belongs to another "
            "cluster, or has expired; renew it with: ./bedplate up STACK --target-replace '**talos-kubeconfig'"
        ) from None
