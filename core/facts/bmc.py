"""What makes a BMC's address, certificate and system id acceptable: one set of rules for the model and the provider.

The texts are complete messages (what; why; what to write instead), with no value of the input in them.
"""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from .addresses import LITERAL, NAME, PORT, port_fault, same_host
from .pem import certificates_digest, holds_private_key, is_certificate

# Source: DMTF DSP0266 (Redfish), sections on HTTPS and on ComputerSystem; SHA-256 has 64 hexadecimal digits.
FINGERPRINT_DIGITS = 64
"""Hexadecimal digits of a SHA-256 fingerprint."""

_EXAMPLE = "https://bmc-1.example.com"
# Source: RFC 3986, section 3.2, without the characters that one library reads as a part of the host and the next as its
# end: evil\.example.com.
# With _ within a name: some BMCs give themselves such names.
NETLOC = rf"(?:{NAME.replace('[A-Za-z0-9-]', '[A-Za-z0-9_-]')}\.?|{LITERAL})(?:{PORT})?"
"""A host name or an address, and a port, in a URL."""
_NETLOC = re.compile(NETLOC)


def url_fault(url: object) -> str | None:
    """Why `url` is not the address of a BMC, as a whole message; None where it is one."""
    text = url if isinstance(url, str) else ""
    if "@" in text:
        return (
            "contains a user name; the stack file and the plan show addresses in plain text; "
            f"set the stack's secret bedplate:bmc, and write e.g. {_EXAMPLE}"
        )
    if _is_plain(text):
        return None
    return (
        f"is not the https address of a BMC{_detail(text)}; "
        "credentials are sent to it and must be encrypted on the way; "
        f"write e.g. {_EXAMPLE}, with no path"
    )


def _is_plain(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return bool(_NETLOC.fullmatch(parts.netloc)) and parts.port != 0 and text == f"https://{parts.netloc}"
    except ValueError:
        return False


def _detail(text: str) -> str:
    """Which part of an address is wrong, as the rest of a clause; empty where the whole is."""
    if re.search(r"\s", text):
        return ": it has a blank"
    wrong = port_fault(text)
    return f": {wrong}" if wrong else ""


def host(url: str) -> str:
    """The host of a BMC's address, as it is spelled there."""
    return urlsplit(url).hostname or ""


def same_url(url: str) -> str:
    """A BMC's address in the one form that all its spellings share: host:port."""
    return f"{same_host(host(url))}:{urlsplit(url).port or 443}"


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
    if isinstance(pem, str) and holds_private_key(pem):
        return (
            "contains a private key; the stack file and the plan are plain text, so the key is no longer secret; "
            "keep the certificates alone, and replace the key"
        )
    if is_certificate(pem):
        return None
    return (
        "is not a PEM certificate; the BMC's certificate is verified with it; "
        "paste the certificate, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----"
    )


# Source: docs/power.md, section "Another BMC".
NONE = "none"
"""What an accepted change has in place of a ca or a fingerprint that was removed."""
# Source: the contracts of core/native/metal.py.
PROVES = ("url", "ca", "fingerprint")
"""The fields that say which device gets the password, and how it proves which one it is."""


def changes(before: Mapping[str, object], now: Mapping[str, object]) -> dict[str, tuple[str, str]]:
    """The fields of PROVES that differ, each with its old and its new value, as `accept_change` names them.

    A url is named as it is, a fingerprint by its digits, a ca by the SHA-256 of its certificate, and none by NONE. Two
    spellings of one url are no change.
    """
    changed = {}
    for field in PROVES:
        was, new = before.get(field), now.get(field)
        if _same(field, was) != _same(field, new):
            changed[field] = (_named(field, was), _named(field, new))
    return changed


def unaccepted(changed: Mapping[str, tuple[str, str]], accepted: Mapping[str, object]) -> str | None:
    """Why a change of a BMC is refused, as a whole message; None where each change is accepted by its new value."""
    if all(
        field in accepted and _same(field, accepted[field]) == _same(field, new) for field, (_, new) in changed.items()
    ):
        return None
    what = " and ".join(f"{field} from {was} to {new}" for field, (was, new) in changed.items())
    wanted = ", ".join(f'{field}: "{new}"' for field, (_, new) in changed.items())
    return (
        f"changes with its BMC: {what}; the machine's BMC password would be sent to another device, or to one with "
        f"another certificate; undo the change, or, if it is right, write "
        f"bmc.accept_change: {{{wanted}}}"
    )


def _same(field: str, value: object) -> str:
    """A value in a form that two spellings of it share."""
    text = value if isinstance(value, str) else NONE
    if field == "url" and not url_fault(text):
        return same_url(text)
    return _named(field, value) if field == "ca" else fingerprint_digits(text) or text


def _named(field: str, value: object) -> str:
    if not isinstance(value, str) or value == NONE:
        return NONE
    if field == "ca":
        return fingerprint_digits(value) or certificates_digest(value)
    return value if field == "url" else fingerprint_digits(value) or value


# Source: DMTF DSP0266, section "URI segments", and RFC 3986, section 2.3: what needs no escape in a path.
SYSTEM = "[A-Za-z0-9._~:@!$&'()*+,=-]+"
"""The id of a system: one segment of its path."""


def system_fault(system: object) -> str | None:
    """Why this is not a Redfish system id, as a whole message; None where it is one."""
    if isinstance(system, str) and re.fullmatch(SYSTEM, system, re.ASCII):
        return None
    last = system.rstrip("/").rpartition("/")[2] if isinstance(system, str) else ""
    known = re.fullmatch(SYSTEM, last, re.ASCII) is not None and len(last) <= 40
    return (
        f"is not the id of a Redfish system{': it is a path' if known else ''}; one BMC can manage several systems; "
        f"write the id, {f'here {last}' if known else 'e.g. 1 or System.Embedded.1'}"
    )


def trust_fault(ca: object, fingerprint: object) -> str | None:
    """Why a BMC can't have both, as a whole message; None where at most one is given."""
    if ca is None or fingerprint is None:
        return None
    return (
        "both a ca and a fingerprint are set; a pinned fingerprint is trusted whoever signed the certificate; "
        "keep one of the two"
    )
