"""When the platform's certificates end. Dates are no secrets, though they are read from what is. No Pulumi in here."""

import base64
from collections.abc import Mapping
from typing import Any


def ends(certificate: str | None) -> str:
    """The last second of a certificate (PEM in base64, as Talos has it), as ISO 8601 in UTC; empty where it is none."""
    # Here and not above: it takes a while to load, and a first plan has no certificate to read.
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(base64.b64decode(certificate or "")).not_valid_after_utc.isoformat()
    except (TypeError, ValueError):
        return ""


def expiry(client: Mapping[str, str], kubernetes: Mapping[str, str] | None, pki: Mapping[str, Any]) -> dict[str, str]:
    """What ends when: the two client certificates, a year after they were made, and the authorities, after ten.

    kubernetes: None where an update leaves the kubeconfig for later (--target, --exclude).
    """
    found = {
        "talosconfig": ends(client["client_certificate"]),
        "kubeconfig": ends(kubernetes["client_certificate"] if kubernetes else ""),
        **{f"authority {name}": ends(pair["cert"]) for name, pair in sorted(pki["certs"].items()) if "cert" in pair},
    }
    return {name: date for name, date in found.items() if date}
