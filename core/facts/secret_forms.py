"""The forms of secrets in machine config that Talos would refuse otherwise, or that nobody would notice."""

import base64
import binascii
import hashlib
from collections.abc import Callable

from .characters import invisible

_WIREGUARD_BYTES = 32


def problem(place: str, secret: str) -> str | None:
    """Why a secret can't be at its place: what is wrong and why it matters, joined by "; ". Never contains the secret.

    place: kind of the document and dotted path in it, such as WireguardConfig:privateKey; empty for another place.
    """
    if not secret.strip():
        return "is empty; whoever asks for it would be let in, or nobody"
    if invisible(secret, lines=True):
        return "has a control character; programs read it in different ways"
    form = _FORMS.get(place)
    return form(secret) if form else None


def made_up(place: str, text: str) -> str:
    """A text that its place can hold, made from another one. place: as for `problem`."""
    form = _FORMS.get(place)
    if form is _wireguard_key:
        return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"STAND_IN={text}" if form is _variable else text


def _wireguard_key(secret: str) -> str | None:
    try:
        valid = len(base64.b64decode(secret, validate=True)) == _WIREGUARD_BYTES
    except (binascii.Error, ValueError):
        valid = False
    return None if valid else "is not a WireGuard key; Talos accepts 32 bytes in base64, as wg genkey writes them"


def _variable(secret: str) -> str | None:
    name, equals, _ = secret.partition("=")
    valid = equals and name.replace("_", "").isalnum()
    return None if valid else "is not NAME=VALUE; a service reads no other entry of its environment"


# Source: Talos v1.12.0, pkg/machinery/config/types/network/wireguard.go and types/runtime/extensions/service_config.go.
_FORMS: dict[str, Callable[[str], str | None]] = {
    "WireguardConfig:privateKey": _wireguard_key,
    "WireguardConfig:peers.[].presharedKey": _wireguard_key,
    "ExtensionServiceConfig:environment.[]": _variable,
}
