"""Whether a text is PEM that a TLS client can trust: the one check of the model and the provider."""

import binascii
import re
from datetime import date
from typing import TYPE_CHECKING

from .characters import invisible

if TYPE_CHECKING:
    from cryptography import x509

# Source: RFC 7468, section 5.1 (certificates) and section 10 (private keys); the parser is OpenSSL's.
PRIVATE_KEY = "PRIVATE KEY"
"""The words in the header line of every PEM private key."""
# Source: RFC 7468, section 3 (the strict grammar) and section 5.1.
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_LINE = re.compile(r"[A-Za-z0-9+/]+={0,2}|={1,2}")


def _certificates(pem: str) -> list[bytes]:
    """Every certificate of a text in DER. Raises ValueError for a text that two parsers could read differently.

    OpenSSL also reads certificates under other names, such as X509 CERTIFICATE, and decoders of base64 differ in what
    they skip. Other lines may stand between certificates, such as a subject's name.
    """
    found: list[bytes] = []
    block: list[str] | None = None
    for line in (each.rstrip(" \t\r") for each in pem.split("\n")):
        if block is None:
            if line == _BEGIN:
                block = []
            elif "-----" in line:
                raise ValueError("a line that is not the beginning of a certificate")
        elif line == _END:
            found.append(binascii.a2b_base64("".join(block), strict_mode=True))
            block = None
        elif _LINE.fullmatch(line):
            block.append(line)
        else:
            raise ValueError("a line that is not base64")
    if block is not None:
        raise ValueError("a certificate without an end")
    return found


def is_certificate(pem: object) -> bool:
    """Whether `pem` holds at least one certificate that OpenSSL can parse, and nothing else in PEM. Never raises."""
    # Imported here: loading OpenSSL costs 20 ms, and most stack files name no certificate.
    import ssl

    if not isinstance(pem, str) or not pem or invisible(pem, lines=True):
        return False
    try:
        _certificates(pem)
    except ValueError:
        return False
    try:
        ssl.create_default_context(cadata=pem)
    # TypeError: a text that is not ASCII.
    except (ssl.SSLError, TypeError, ValueError):
        return False
    return True


def last_days(pem: str) -> list[date]:
    """The day on which each certificate of a valid text expires; empty where one of them can't be read."""
    return [certificate.not_valid_after_utc.date() for certificate in _parsed(pem)]


def are_no_authorities(pem: str) -> bool:
    """Whether each certificate says of itself that it may sign no others: CA:FALSE."""
    from cryptography import x509

    certificates = _parsed(pem)
    try:
        return bool(certificates) and not any(
            constraints.value.ca
            for certificate in certificates
            for constraints in [certificate.extensions.get_extension_for_class(x509.BasicConstraints)]
        )
    except (x509.ExtensionNotFound, ValueError):
        return False


def _parsed(pem: str) -> "list[x509.Certificate]":
    # Imported here: it costs 50 ms, and most stack files name no certificate.
    from cryptography import x509

    try:
        return [x509.load_der_x509_certificate(der) for der in _certificates(pem)]
    except ValueError:
        return []


def certificates_digest(pem: str) -> str:
    """SHA-256 of the certificates in `pem`, as 64 hexadecimal digits: of a single one it is the certificate's own."""
    import hashlib

    try:
        return hashlib.sha256(b"".join(_certificates(pem))).hexdigest()
    except ValueError:
        # Refused where it is declared.
        return hashlib.sha256(pem.encode()).hexdigest()


def holds_private_key(pem: str) -> bool:
    """Whether a private key is somewhere in `pem`: OpenSSL skips one that lies between certificates."""
    return PRIVATE_KEY in pem
