"""Whether a text is PEM that a TLS client can trust: the one check of the model and the provider."""

import re

from .characters import invisible

# Source: RFC 7468, section 5.1 (certificates) and section 10 (private keys); the parser is OpenSSL's.
PRIVATE_KEY = "PRIVATE KEY"
"""The words in the header line of every PEM private key."""


def is_certificate(pem: object) -> bool:
    """Whether `pem` holds at least one certificate that OpenSSL can parse. Never raises."""
    # Imported here: loading OpenSSL costs 20 ms, and most stack files name no certificate.
    import ssl

    if not isinstance(pem, str) or not pem or invisible(pem, lines=True):
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
    import ssl

    blocks = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", pem, re.DOTALL)
    try:
        return hashlib.sha256(b"".join(map(ssl.PEM_cert_to_DER_cert, blocks))).hexdigest()
    except ValueError:
        # Not base64: refused where it is declared.
        return hashlib.sha256(pem.encode()).hexdigest()


def holds_private_key(pem: str) -> bool:
    """Whether a private key is somewhere in `pem`: OpenSSL skips one that lies between certificates."""
    return PRIVATE_KEY in pem
