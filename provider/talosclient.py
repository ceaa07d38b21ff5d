"""The Talos API's client from a resource's inputs."""

import base64
import binascii

from clients.talos import Client
from core.native import Values
from core.native.types import CLIENT_PARTS


def client_of(inputs: Values) -> Client:
    """The client that clientConfiguration describes. An update knows every input, so no part is UNKNOWN.

    Raises ValueError if a part is not base64.
    """
    parts = inputs["clientConfiguration"]
    try:
        return Client(*(base64.b64decode(parts[part], validate=True) for part in CLIENT_PARTS))
    except (KeyError, TypeError, binascii.Error, ValueError):
        raise ValueError("clientConfiguration is not a client of the Talos API") from None
