"""Facts read from a platform's PKI, in the shape that the Talos provider outputs it."""

import hashlib
from collections.abc import Mapping
from typing import Any


def authority_mark(machine_secrets: Mapping[str, Any]) -> str:
    """SHA-256 in hex of the certificate of Kubernetes' CA: it changes with the CA, and a plan may show it."""
    return hashlib.sha256(machine_secrets["certs"]["k8s"]["cert"].encode()).hexdigest()


def aescbc_key(machine_secrets: Mapping[str, Any]) -> str:
    """The AES-CBC key of a cluster created before Talos v1.3; empty for every other cluster."""
    return machine_secrets["secrets"].get("aescbc_encryption_secret") or ""
