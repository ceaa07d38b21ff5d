"""The gate before the Kubernetes provider: an API that answers and says that it is ready."""

import base64
import binascii
import json
import os
import ssl
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import yaml
from framework import UNKNOWN, Failed, Progress, Unknown, Values, Wrong, in_thread

# How often to ask, and how often to say that we still wait.
PAUSE_SECONDS = 1.0
SAY_SECONDS = 15.0
REQUEST_SECONDS = 5.0


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
        """A context that trusts this cluster alone. Python loads keys from files only, so one is there, 0600, for a moment."""
        context = ssl.create_default_context(cadata=self.ca)
        with tempfile.TemporaryDirectory(prefix="bedplate-") as folder:  # Made with mode 0700.
            path = os.path.join(folder, "client.pem")
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(self.certificate + "\n" + self.key)
            context.load_cert_chain(path)
        yield context


def _named(entries: list[Any], name: str) -> Any:
    return next(e for e in entries if e["name"] == name)


class ApiReady:
    """Created when the API is ready; yields the kubeconfig for who comes after, and the API's version."""

    token = "bedplate-native:kubernetes:ApiReady"
    secrets = frozenset({"kubeconfig"})
    replaces: frozenset[str] = frozenset()

    def check(self, inputs: Values, before: Values | None = None) -> list[Wrong]:
        wrong = []
        kubeconfig, seconds = inputs.get("kubeconfig"), inputs.get("timeoutSeconds")
        if not isinstance(kubeconfig, Unknown):
            try:
                Access.parse(kubeconfig if isinstance(kubeconfig, str) else "")
            except ValueError as error:
                wrong.append(Wrong("kubeconfig", str(error)))
        if not isinstance(seconds, (int, float)) or isinstance(seconds, bool) or not 1 <= seconds <= 7200:
            wrong.append(Wrong("timeoutSeconds", "is not between 1 and 7200; the wait must end; write e.g. 900"))
        return wrong

    def plan(self, inputs: Values, state: Values | None = None) -> Values:
        return {**inputs, "version": UNKNOWN}

    def foretell(self, inputs: Values, state: Values | None = None) -> str | None:
        return None

    async def create(self, inputs: Values, say: Progress) -> tuple[str, Values]:
        access = Access.parse(inputs["kubeconfig"])
        version = await in_thread(wait, access, float(inputs["timeoutSeconds"]), say)
        return access.server, {**inputs, "version": version}

    async def read(self, identity: str, state: Values) -> Values | None:
        # Whether it answers right now is no state: an `up` must be able to mend an API that does not.
        return state

    async def update(self, identity: str, state: Values, inputs: Values, say: Progress) -> Values:
        return (await self.create(inputs, say))[1]

    async def delete(self, identity: str, state: Values, say: Progress) -> None:
        return None


def wait(access: Access, seconds: float, say: Progress) -> str:
    """The API's version once /readyz says ok. Raises Failed with the last answer when the time is over."""
    start = time.monotonic()
    said, last = start, "no answer yet"
    with access.tls() as tls:
        while True:
            try:
                if _get(access, tls, "/readyz") == "ok":
                    return str(json.loads(_get(access, tls, "/version"))["gitVersion"])
            except urllib.error.HTTPError as error:
                last = f"HTTP {error.code}"
                if error.code in (401, 403):
                    raise Failed(
                        f"{access.server} refuses this client certificate (HTTP {error.code}); it belongs to another "
                        "cluster, or has expired; renew it with: ./bedplate up STACK --target-replace '**talos-kubeconfig'"
                    ) from None
            except OSError as error:
                last = str(getattr(error, "reason", error))
            now = time.monotonic()
            if now - start >= seconds:
                raise Failed(
                    f"{access.server} was not ready within {seconds:.0f} s (last: {last}); nothing after it can be made; "
                    "look at the first control plane with: talosctl -n ADDRESS services, and run up again"
                )
            if now - said >= SAY_SECONDS:
                say(f"waiting for {access.server}/readyz, {now - start:.0f} s of {seconds:.0f} s (last: {last})")
                said = now
            time.sleep(min(PAUSE_SECONDS, max(0.0, start + seconds - now)))


def _get(access: Access, tls: ssl.SSLContext, path: str) -> str:
    # A proxy of the environment must not come between: the API is on the node network.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=tls))
    with opener.open(f"{access.server}{path}", timeout=REQUEST_SECONDS) as answer:
        return str(answer.read().decode())
