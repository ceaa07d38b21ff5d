"""How a BMC is reached: pure data, and what can be said of it without asking anybody."""

import re
import ssl
from dataclasses import dataclass, field
from urllib.parse import urlsplit

MODES = ("uefi", "legacy")


@dataclass(frozen=True)
class Access:
    """One system behind one BMC, and who we are there."""

    url: str
    system: str
    username: str = field(repr=False)
    password: str = field(repr=False)
    ca: str | None = None
    """PEM of the authority that signed its certificate. With neither this nor a fingerprint: the machine's own."""
    fingerprint: str | None = None
    """SHA-256 of its certificate, 64 hexadecimal digits: what it shows is compared with it, and nothing else."""


def wrong_url(url: object) -> str | None:
    """Why this is no address of a BMC; None where it is one."""
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        held = parts.scheme == "https" and parts.hostname and parts.port != 0 and not parts.query and not parts.fragment
        if held and parts.username is None and parts.path in ("", "/"):
            return None
        if parts.username is not None:
            return (
                "holds a user name; addresses are shown, credentials are not; give username and password by themselves"
            )
    except ValueError:
        pass
    return "is not the https address of a BMC; credentials go there, and never in the clear; write e.g. https://bmc-1.example.com"


def digits(fingerprint: object) -> str | None:
    """A SHA-256 fingerprint in its one spelling; None where it is none."""
    plain = re.sub(r"[:\s]", "", fingerprint.lower().removeprefix("sha256:")) if isinstance(fingerprint, str) else ""
    return plain if re.fullmatch(r"[0-9a-f]{64}", plain) else None


def is_authority(pem: object) -> bool:
    """Whether this is PEM that a TLS client can trust."""
    try:
        ssl.create_default_context(cadata=pem if isinstance(pem, str) else "-")
    except (ssl.SSLError, ValueError):
        return False
    return bool(pem)
