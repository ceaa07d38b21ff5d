"""When the platform's certificates end. The dates are not secret, although they are read from secrets."""

import base64
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from . import kubeconfig as kubeconfigs

RENEWAL = timedelta(days=30)
"""An update renews a kubeconfig's certificate that expires within this time."""


def ends(certificate: str | None) -> str:
    """The end of a certificate (PEM in base64), as ISO 8601 in UTC; empty if the text is not a certificate."""
    # Imported here because it is slow to load, and a first plan has no certificate to read.
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(base64.b64decode(certificate or "")).not_valid_after_utc.isoformat()
    except (TypeError, ValueError):
        return ""


def expiry(client: Mapping[str, str], kubeconfig: str | None, pki: Mapping[str, Any]) -> dict[str, str]:
    """The end of each certificate, keyed by credential or authority: clients last one year, authorities ten.

    kubeconfig: None if an update left the kubeconfig out (--target, --exclude).
    """
    dates = {
        "talosconfig": ends(client["client_certificate"]),
        "kubeconfig": ends(_certificate(kubeconfig)),
        **{f"authority {name}": ends(pair["cert"]) for name, pair in sorted(pki["certs"].items()) if "cert" in pair},
    }
    return {name: date for name, date in dates.items() if date}


def _certificate(kubeconfig: str | None) -> str:
    """The client certificate in a kubeconfig, PEM in base64; empty without one."""
    try:
        return base64.b64encode(kubeconfigs.parse(kubeconfig).certificate.encode()).decode()
    except kubeconfigs.KubeconfigRefused:
        return ""
