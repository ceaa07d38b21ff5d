"""Whether a text is PEM that a TLS client can trust: the one check of the model and the provider."""

import binascii
import re

from .characters import invisible

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
