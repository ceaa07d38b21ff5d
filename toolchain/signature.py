"""Signed records, for a store that others can write: BEDPLATE_STORE_KEY_FILE names a file with a key that they lack."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import ToolchainError

KEY_FILE = "BEDPLATE_STORE_KEY_FILE"
KEY_BYTES = 32
FIELD = "signature"


def signed(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The record of the entry of that name, signed if there is a key. Raises ToolchainError for a key that is none."""
    key = _key()
    return dict(record) if key is None else {**record, FIELD: _sign(key, record, name)}


def believed(record: Mapping[str, Any], name: str) -> bool:
    """Whether a record may be used: any if there is no key, otherwise one that was signed with it for this name.

    Raises ToolchainError for a bad key.
    """
    key = _key()
    if key is None:
        return True
    facts = {field: value for field, value in record.items() if field != FIELD}
    return hmac.compare_digest(str(record.get(FIELD)).encode(), _sign(key, facts, name).encode())


def _sign(key: bytes, facts: Mapping[str, Any], name: str) -> str:
    # The name has the digest of the pin: an older entry, however genuine, cannot take the place of a newer one.
    text = json.dumps([name, facts], sort_keys=True)
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _key() -> bytes | None:
    given = os.environ.get(KEY_FILE)
    if not given:
        return None
    try:
        key = Path(given).read_bytes().strip()
    except OSError as fault:
        raise ToolchainError(
            f"{KEY_FILE}: {given} cannot be read: {fault.strerror}; write a key with: openssl rand -hex {KEY_BYTES}"
        ) from None
    if len(key) < KEY_BYTES:
        raise ToolchainError(
            f"{KEY_FILE}: {given} has {len(key)} bytes, and a key needs at least {KEY_BYTES}; "
            f"write one with: openssl rand -hex {KEY_BYTES}"
        )
    return key
