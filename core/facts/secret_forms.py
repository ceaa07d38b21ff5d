"""The forms of secrets in machine config that Talos would refuse otherwise, or that would go unnoticed."""

import base64
import binascii
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from .characters import invisible
from .secret_places import CHART, LEGACY, Path, matches

_WIREGUARD_BYTES = 32


@dataclass(frozen=True)
class _Form:
    problem: Callable[[str], str | None]
    made_up: Callable[[str], str]


def problem(kind: str, path: Path, secret: str) -> str | None:
    """Why a secret can't be at its place: what is wrong and why it matters, joined by "; ". Never contains the secret.

    kind: of the document, empty for one without a kind; CHART for values of Cilium's chart. path: in it; empty for a
    place in no document.
    """
    if not secret.strip():
        return "is empty; with an empty secret a program admits everyone, or no one"
    if invisible(secret, lines=True):
        return "has a control character; programs read it in different ways"
    form = _form(kind, path)
    return form.problem(secret) if form else None


def made_up(kind: str, path: Path, text: str) -> str:
    """A text that the place can hold, made from another one. kind, path: as for `problem`."""
    form = _form(kind, path)
    return form.made_up(text) if form else text


def _form(kind: str, path: Path) -> _Form | None:
    return next((form for (of, place), form in _FORMS.items() if of == kind and matches(place.split("."), path)), None)


def _wireguard_key(secret: str) -> str | None:
    try:
        valid = len(base64.b64decode(secret, validate=True)) == _WIREGUARD_BYTES
    except (binascii.Error, ValueError):
        valid = False
    return None if valid else "is not a WireGuard key; Talos accepts 32 bytes in base64, as wg genkey writes them"


def _base64(secret: str) -> str | None:
    try:
        return None if base64.b64decode("".join(secret.split()), validate=True) else _NOT_BASE64
    except (binascii.Error, ValueError):
        return _NOT_BASE64


_NOT_BASE64 = "is not base64; this field is read as base64 of a PEM"


def _variable(secret: str) -> str | None:
    name, equals, _ = secret.partition("=")
    valid = equals and name.replace("_", "").isalnum()
    return None if valid else "is not NAME=VALUE; a service reads no other entry of its environment"


def _address(secret: str) -> str | None:
    return None if "://" in secret else "is not an address; Talos connects to it"


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


# Source: Talos v1.12.0, pkg/machinery/config/types: network/wireguard.go, runtime/extensions/service_config.go,
# siderolink/siderolink.go, v1alpha1/v1alpha1_types.go.
_FORMS: dict[tuple[str, str], _Form] = {
    ("WireguardConfig", "privateKey"): _Form(_wireguard_key, _digest),
    ("WireguardConfig", "peers.[].presharedKey"): _Form(_wireguard_key, _digest),
    ("ExtensionServiceConfig", "environment.[]"): _Form(_variable, "STAND_IN={}".format),
    ("SideroLinkConfig", "apiUrl"): _Form(_address, lambda text: f"https://stand-in.example.com/?{_digest(text)}"),
    (CHART, "**"): _Form(_base64, _digest),
    (LEGACY, "machine.registries.config.*.tls.clientIdentity.key"): _Form(_base64, _digest),
}
