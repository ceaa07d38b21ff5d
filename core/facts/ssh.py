"""OpenSSH's public keys: whether a line of a .pub file is one, and whole."""

import base64
import re

from .characters import invisible

_LINE = re.compile(r"([a-z0-9@.-]+) ([A-Za-z0-9+/]+={0,2})( .{1,200})?")
# Source: RFC 4253, section 6.6; RFC 5656, section 3.1; RFC 8709, section 4; OpenSSH, PROTOCOL.u2f: the number of fields
# after the name, and the position and the bytes of the one that has a fixed length.
_FIELDS: dict[str, tuple[int, int | None, int]] = {
    "ssh-ed25519": (1, 0, 32),
    "ssh-rsa": (2, None, 0),
    "ecdsa-sha2-nistp256": (2, 1, 65),
    "ecdsa-sha2-nistp384": (2, 1, 97),
    "ecdsa-sha2-nistp521": (2, 1, 133),
    "sk-ssh-ed25519@openssh.com": (2, 0, 32),
    "sk-ecdsa-sha2-nistp256@openssh.com": (3, 1, 65),
}
# Source: OpenSSH, sshkey.h, SSH_RSA_MINIMUM_MODULUS_SIZE: shorter keys are refused.
_LEAST_RSA_BITS = 1024


def public_key_fault(line: str) -> str | None:
    """Why a line is not an OpenSSH public key, as a clause; None where it is one. Never repeats a part of it."""
    match = None if invisible(line) else _LINE.fullmatch(line)
    if match is None:
        return "is not an OpenSSH public key"
    kind = match[1]
    try:
        fields = _split(base64.b64decode(match[2], validate=True))
    except ValueError:
        return f"is not a whole {kind} key: its end is missing" if kind in _FIELDS else "is not an OpenSSH public key"
    if not fields or fields[0] != kind.encode():
        return "is not an OpenSSH public key"
    return _kind_fault(kind, fields[1:])


def _split(raw: bytes) -> list[bytes]:
    """The fields of a key. Raises ValueError where one of them is longer than what is left."""
    fields = []
    while raw:
        length = int.from_bytes(raw[:4], "big")
        if len(raw) < 4 or length > len(raw) - 4:
            raise ValueError("a field that is cut off")
        fields.append(raw[4 : 4 + length])
        raw = raw[4 + length :]
    return fields


def _kind_fault(kind: str, fields: list[bytes]) -> str | None:
    if kind not in _FIELDS:
        return None
    count, fixed, length = _FIELDS[kind]
    if len(fields) != count or (fixed is not None and len(fields[fixed]) != length):
        return f"is not a whole {kind} key: a part of it is missing"
    if kind == "ssh-rsa" and (bits := int.from_bytes(fields[1], "big").bit_length()) < _LEAST_RSA_BITS:
        return f"is an RSA key of {bits} bits, and OpenSSH accepts none below {_LEAST_RSA_BITS}"
    return None
