"""Facts read from a platform's PKI, in the shape that the Talos provider outputs it."""

from collections.abc import Mapping
from typing import Any


def kubernetes_authority(machine_secrets: Mapping[str, Any]) -> dict[str, str]:
    """Kubernetes' authority: its cert and its key, each PEM in base64. It is secret."""
    pair = machine_secrets["certs"]["k8s"]
    return {"cert": pair["cert"], "key": pair["key"]}
