"""The administrator's kubeconfig, written and read field by field: nothing else in one is ever handed on.

A kubeconfig can make its reader run a command (`exec`, `auth-provider`), read a file (`tokenFile`,
`client-certificate`), trust everyone (`insecure-skip-tls-verify`) or connect elsewhere (`proxy-url`). One that comes
from another program is read here, and what the Kubernetes plugin gets is written here.
Source: k8s.io/client-go, tools/clientcmd/api/v1/types.go.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import yaml

from core import boundedyaml

MOST_BYTES = 256 << 10
"""Bytes of a kubeconfig: three certificates of a few thousand bytes, with room for larger keys."""
_MOST_VALUES = 200
# An unknown field is named in a message only if its name is harmless there.
_SHOWABLE = re.compile(r"[A-Za-z0-9._-]{1,40}")
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9@._-]{0,251}[A-Za-z0-9])?")
_CERTIFICATES = re.compile(r"(\s*-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----)+\s*")
_KEY = re.compile(
    r"\s*-----BEGIN ([A-Z0-9]+ )?PRIVATE KEY-----[A-Za-z0-9+/=\s]+-----END ([A-Z0-9]+ )?PRIVATE KEY-----\s*"
)
# The fields of each level. Every other one is refused, because its effect is not known here.
_TOP = ("apiVersion", "kind", "preferences", "clusters", "contexts", "current-context", "users")
_CONTEXT = ("cluster", "user", "namespace")
_CLUSTER = ("server", "certificate-authority-data")
_USER = ("client-certificate-data", "client-key-data")


class KubeconfigRefused(ValueError):
    """A text that is not taken as a kubeconfig. The message is the rest of a sentence, and quotes no value."""


@dataclass(frozen=True)
class Kubeconfig:
    """A cluster, its API, the authority that signs its certificates, and a client certificate. All PEM is text."""

    cluster: str
    server: str
    authority: str
    certificate: str
    key: str = field(repr=False)

    def text(self) -> str:
        """The kubeconfig as YAML, in the form in which Talos writes it: secret.

        Source: siderolabs/talos, pkg/kubeconfig/generate.go.
        """
        user = f"admin@{self.cluster}"
        cluster = {"server": self.server, "certificate-authority-data": _encoded(self.authority)}
        client = {"client-certificate-data": _encoded(self.certificate), "client-key-data": _encoded(self.key)}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": self.cluster, "cluster": cluster}],
            "users": [{"name": user, "user": client}],
            "contexts": [
                {"name": user, "context": {"cluster": self.cluster, "namespace": "default", "user": user}},
            ],
            "current-context": user,
        }
        # Without a limit of the width: base64 stays in one line.
        return yaml.safe_dump(document, width=MOST_BYTES * 2)


def parse(text: object) -> Kubeconfig:
    """The parts of a kubeconfig with one cluster, one context and one user with a client certificate.

    Raises KubeconfigRefused.
    """
    try:
        document = boundedyaml.load(
            text if isinstance(text, str) else "", what="the text", most_bytes=MOST_BYTES, most_values=_MOST_VALUES
        )
    except boundedyaml.UnreadableYAML as error:
        raise _refused(str(error)) from None
    config = _known(document, _TOP, "it")
    if config.get("preferences"):
        raise _refused("it has preferences")
    context = _only(config, "contexts", "context", _CONTEXT)
    cluster, user = _only(config, "clusters", "cluster", _CLUSTER), _only(config, "users", "user", _USER)
    chosen = (config.get("current-context"), context[1].get("cluster"), context[1].get("user"))
    if chosen != (context[0], cluster[0], user[0]):
        raise _refused("its current context does not name its own context, cluster and user")
    return Kubeconfig(
        cluster[0],
        _server(cluster[1].get("server")),
        _pem(cluster[1], "certificate-authority-data", _CERTIFICATES),
        _pem(user[1], "client-certificate-data", _CERTIFICATES),
        _pem(user[1], "client-key-data", _KEY),
    )


def rebuilt(text: str, server: str) -> str:
    """The kubeconfig of a server, written from the parts of a text. Raises KubeconfigRefused.

    A reader may see in a text what `parse` does not see, because YAML is read in several ways. So the text is not
    handed on, although nothing else was found in it.
    """
    found = parse(text)
    if found.server != server:
        raise _refused(f"it is for another server than {server}")
    return found.text()


def _refused(why: str) -> KubeconfigRefused:
    return KubeconfigRefused(
        f"is not a kubeconfig with a client certificate and nothing else: {why}; what else a kubeconfig may hold runs "
        "commands, reads files or trusts strangers; use the one that Bedplate writes"
    )


def _known(value: Any, fields: tuple[str, ...], where: str) -> Mapping[str, Any]:
    """A mapping that has only these fields."""
    if not isinstance(value, Mapping):
        raise _refused(f"{where} is not a mapping")
    unknown = [key for key in value if key not in fields]
    if unknown:
        names = sorted({key if _SHOWABLE.fullmatch(key) else "an unprintable field" for key in map(str, unknown)})
        raise _refused(f"{where} has {', '.join(names[:5])}")
    return value


def _only(config: Mapping[str, Any], many: str, one: str, fields: tuple[str, ...]) -> tuple[str, Mapping[str, Any]]:
    """The name and the fields of the only entry of a list."""
    entries = config.get(many)
    if not isinstance(entries, list) or len(entries) != 1:
        raise _refused(f"{many} is not a list of one entry")
    entry = _known(entries[0], ("name", one), f"an entry of {many}")
    name = entry.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise _refused(f"an entry of {many} has no name of letters, digits, dots and hyphens")
    return name, _known(entry.get(one), fields, f"its {one}")


def _server(value: Any) -> str:
    """An https address of a host, with a port or without one, and with nothing else."""
    try:
        parts = urlsplit(value if isinstance(value, str) else "")
        plain = parts.scheme == "https" and parts.hostname and parts.port != 0 and value == f"https://{parts.netloc}"
    except ValueError:
        plain = False
    if not plain or "@" in parts.netloc or not value.isascii() or not value.isprintable() or " " in value:
        raise _refused("its server is not an https address of a host and a port")
    return str(value)


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _pem(of: Mapping[str, Any], name: str, form: re.Pattern[str]) -> str:
    """A PEM text that a field holds in base64."""
    value = of.get(name)
    try:
        text = base64.b64decode(value, validate=True).decode("ascii") if isinstance(value, str) else ""
    except (binascii.Error, ValueError):
        text = ""
    if not form.fullmatch(text):
        raise _refused(f"{name} is empty, or not {'a private key' if form is _KEY else 'certificates'} in PEM")
    return text
