"""The client that Talos' PKI describes, as a resource's input."""

import base64
import binascii
from typing import Any

from clients.talos import Client

from .framework import InputError, Unknown, Values
from .waiting import wrong_timeout

_PARTS = ("caCertificate", "clientCertificate", "clientKey")


def client_of(given: Any) -> Client | None:
    """None while a part of it is unknown. Raises ValueError."""
    parts = [given.get(part) if isinstance(given, dict) else None for part in _PARTS]
    if any(isinstance(part, Unknown) for part in parts):
        return None
    try:
        return Client(*(base64.b64decode(part, validate=True) for part in parts))
    except (TypeError, binascii.Error, ValueError):
        raise ValueError(
            "is not a client of the Talos API; machines are asked with it; take what Secrets made"
        ) from None


def wrong_client(given: Any) -> list[InputError]:
    """What is wrong with that input; nothing while it is unknown."""
    if isinstance(given, Unknown):
        return []
    try:
        client_of(given)
    except ValueError as error:
        return [InputError("clientConfiguration", str(error))]
    return []


def wrong_target(inputs: Values, *also: str) -> list[InputError]:
    """What is wrong with the inputs by which a machine is asked: which one, where, with what, and for how long.

    also: other addresses that a resource asks.
    """
    wrong = [*wrong_timeout(inputs.get("timeoutSeconds")), *wrong_client(inputs.get("clientConfiguration"))]
    for name in ("machine", "node", *also):
        if not isinstance(inputs.get(name), (str, Unknown)) or not inputs.get(name):
            wrong.append(InputError(name, "is missing; the machine is asked at it and named by it; write its text"))
    return wrong
