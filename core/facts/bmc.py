"""What makes a BMC's address, certificate and system id acceptable: one set of rules for the model and the provider.

The texts are complete messages (what; why; what to write instead), with no value of the input in them.
"""

import re
from urllib.parse import urlsplit

from .pem import is_certificate

# Source: DMTF DSP0266 (Redfish), sections on HTTPS and on ComputerSystem; SHA-256 has 64 hexadecimal digits.
FINGERPRINT_DIGITS = 64
"""Hexadecimal digits of a SHA-256 fingerprint."""

_EXAMPLE = "https://bmc-1.example.com"


def url_fault(url: object) -> str | None:
    """Why `url` is not the address of a BMC, as a whole message; None where it is one."""
    text = url if isinstance(url, str) else ""
    if "@" in text:
        return (
            "contains a user name; the stack file and the plan show addresses in plain text; "
            f"set the stack's secret bedplate:bmc, and write e.g. {_EXAMPLE}"
        )
    try:
        parts = urlsplit(text)
        plain = bool(parts.hostname) and parts.port != 0 and text == f"https://{parts.netloc}"
        plain = plain and text.isascii() and text.isprintable()
    except ValueError:
        plain = False
    if plain:
        return None
    return (
        "is not the https address of a BMC; credentials are sent to it and must be encrypted on the way; "
        f"write e.g. {_EXAMPLE}, with no path"
    )


def fingerprint_digits(fingerprint: object) -> str | None:
    """The 64 lower-case digits of a SHA-256 fingerprint in any of its spellings; None where it is not one."""
    text = fingerprint.lower().removeprefix("sha256:") if isinstance(fingerprint, str) else ""
    digits = re.sub("[: ]", "", text)
    return digits if re.fullmatch(rf"[0-9a-f]{{{FINGERPRINT_DIGITS}}}", digits) else None


def fingerprint_fault(fingerprint: object) -> str | None:
    """Why this is not a SHA-256 fingerprint, as a whole message; None where it is one."""
    if fingerprint_digits(fingerprint) is not None:
        return None
    return (
        "is not a SHA-256 fingerprint; the BMC's certificate is compared with it; write its 64 hexadecimal digits, "
        "as printed by: openssl x509 -in bmc.pem -noout -fingerprint -sha256"
    )


def authority_fault(pem: object) -> str | None:
    """Why this is not the PEM of a certificate authority, as a whole message; None where it is one."""
    if is_certificate(pem):
        return None
    return (
        "is not a PEM certificate; the BMC's certificate is verified with it; "
        "paste the certificate, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----"
    )


def system_fault(system: object) -> str | None:
    """Why this is not a Redfish system id, as a whole message; None where it is one."""
    if isinstance(system, str) and re.fullmatch(r"[!-~]+", system):
        return None
    return (
        "is not the id of a Redfish system; one BMC can manage several systems; "
        "write the id, e.g. 1 or System.Embedded.1"
    )


def trust_fault(ca: object, fingerprint: object) -> str | None:
    """Why a BMC can't have both, as a whole message; None where at most one is given."""
    if ca is None or fingerprint is None:
        return None
    return (
        "both a ca and a fingerprint are set; a pinned fingerprint is trusted whoever signed the certificate; "
        "keep one of the two"
    )
