"""Which values of a machine config are secret, and how a value is shown to whoever reads a terminal or a log.

A value is secret by the name of its field, or because it looks like a secret. In doubt it is hidden, because a hidden
value does less harm than a secret in a log.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from core import standins

HIDDEN = "(secret)"
# Longer values are cut.
_SHOWN_CHARACTERS = 200

_SECRET_NAME = re.compile(
    r"(key|token|secret|password|passphrase|auth|psk|credential|content|contents|env|environment|bootstrapToken|aescbc.*|secretbox.*)s?$",
    re.IGNORECASE,
)
# Fields below which a secret may stand: core/facts/secret_places.py.
_SECRET_BELOW = frozenset(
    [
        "variables",
        "headers",
        "extraManifestHeaders",
        "extraTags",
        "manifest",
        "apiUrl",
        "username",
        "containers",
        "initContainers",
        "providers",
        "staticPodURLHeader",
    ]
)
# Names that match the pattern above although their values are not secret.
_PLAIN_NAME = frozenset({"anonymous-auth", "keys", "apiGroup", "encryptionKeys"})
_LOOKS_SECRET = re.compile(r"-----BEGIN |://[^@\s]+@(?!sha256:)|^[A-Za-z0-9+/=_-]{40,}$")
_KNOWN_DIGEST = re.compile(r"^(sha256:)?[0-9a-f]{64}$")


def shown_value(path: tuple[str, ...], value: Any) -> str:
    """A value of the field at a path, as text in which nothing is secret."""
    if value is None:
        return "(none)"
    if secret(path, value):
        return HIDDEN
    text = value if isinstance(value, str) else json.dumps(_shown(path, value), sort_keys=True, default=str)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}... ({len(text)} characters)"


def _shown(path: tuple[str, ...], value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: HIDDEN if secret((*path, str(k)), v) else _shown((*path, str(k)), v) for k, v in value.items()}
    if isinstance(value, list):
        return [HIDDEN if secret(path, v) else _shown(path, v) for v in value]
    return value


def secret(path: tuple[str, ...], value: Any) -> bool:
    """Whether a value is secret, by its path or by its looks. A stand-in for a secret of the stack file is not."""
    if standins.is_one(value):
        return False
    named = any(
        part in _SECRET_BELOW
        or (_SECRET_NAME.search(part) and part not in _PLAIN_NAME and "." not in part and "/" not in part)
        for part in path
    )
    if named and not isinstance(value, bool):
        return True
    return isinstance(value, str) and bool(_LOOKS_SECRET.search(value)) and not _KNOWN_DIGEST.match(value)
