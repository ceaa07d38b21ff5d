"""What stands in the platform for a value that is encrypted in the stack file.

A stand-in shows that a secret is there, and another one when the secret is set again. It is made from the encrypted
text, which anyone who has the stack file can read, so it reveals nothing of the secret.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_START = "(secret "
_FORM = re.compile(r"\(secret [0-9a-f]{12}\)")


def identity(encrypted: str) -> bytes:
    """The bytes of an encrypted text, which are the same for each way of writing it.

    Source: pulumi/pulumi sdk/go/common/resource/config/crypt.go (v1:NONCE:TEXT, both in base64).
    """
    parts = encrypted.strip().split(":")
    return b"\0".join(map(_decoded, parts))


def _decoded(part: str) -> bytes:
    try:
        return base64.b64decode("".join(part.split()), validate=True)
    except (binascii.Error, ValueError):
        return part.encode()


def of(encrypted: str) -> str:
    """The stand-in for an encrypted text: (secret 3f9c2a1b0d4e)."""
    return f"(secret {hashlib.sha256(identity(encrypted)).hexdigest()[:12]})"


def is_one(text: object) -> bool:
    """Whether a text is a stand-in."""
    return isinstance(text, str) and text.startswith(_START) and bool(_FORM.fullmatch(text))


def within(value: Any) -> Iterator[str]:
    """Each stand-in of a value, in order, as often as it stands there."""
    if isinstance(value, str):
        yield from [value] if is_one(value) else ()
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from within(inner)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from within(inner)


def opened(value: Any, secrets: Mapping[str, str]) -> Any:
    """The value as JSON has it, with secrets instead of their stand-ins.

    secrets: stand-in to secret; a stand-in that is not there stays.
    """
    if isinstance(value, str):
        return secrets.get(value, value) if is_one(value) else value
    if isinstance(value, Mapping):
        return {key: opened(inner, secrets) for key, inner in value.items()}
    return [opened(inner, secrets) for inner in value] if isinstance(value, list | tuple) else value


def opened_text(document: str, secrets: Mapping[str, str]) -> str:
    """A JSON text with secrets instead of their stand-ins; the same text where it has none."""
    if not secrets or _START not in document:
        return document
    value = json.loads(document)
    return json.dumps(opened(value, secrets), sort_keys=True) if any(within(value)) else document
