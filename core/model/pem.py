"""PEM texts of a stack file: authorities that are trusted, and keys that images are checked with."""

import re
from typing import Annotated

from pydantic import AfterValidator

from core.facts.pem import holds_private_key, is_certificate

from .faults import refuse
from .pattern import Visible


def _without_private_key(value: str) -> str:
    if holds_private_key(value):
        refuse(
            "contains a private key",
            "the stack file and the plan are plain text, so the key is no longer secret",
            "keep the certificates alone, and replace the key",
        )
    return value


def _certificate(value: str) -> str:
    if not is_certificate(value):
        refuse(
            "is not a PEM certificate",
            "machines verify servers with it",
            "paste the certificate, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----, "
            "and never a private key",
        )
    return value


Certificates = Annotated[str, Visible, AfterValidator(_without_private_key), AfterValidator(_certificate)]


def _verification_key(value: str) -> str:
    body = r"[A-Za-z0-9+/=\r\n]+"
    kinds = "|".join(f"-----BEGIN {kind}-----{body}-----END {kind}-----" for kind in ("PUBLIC KEY", "CERTIFICATE"))
    if not re.fullmatch(rf"[\r\n]*({kinds})[ \r\n]*", value):
        refuse(
            "is neither a public key nor a certificate in PEM",
            "signatures of images are verified with it",
            "paste the contents of cosign.pub",
        )
    return value


VerificationKey = Annotated[str, Visible, AfterValidator(_verification_key)]
