"""A machine's whole config as the provider makes it, from a PKI that a test holds."""

import base64
import json
from typing import Any

from core.facts.versions import minor
from core.machineconfig.base import base
from core.machineconfig.documents import patches, plain
from core.machineconfig.merge import Documents
from core.machineconfig.pki import pki
from core.machineconfig.whole import merged
from core.model import Platform


def rendered(platform: Platform, name: str, material: dict[str, Any]) -> Documents:
    """The documents of a machine, as the provider merges them."""
    role = platform.machines[name].role
    return merged(
        {
            "base": [json.dumps(plain(document)) for document in base(platform, role)],
            "pki": [json.dumps(document) for document in pki(minor(platform.talos.contract), role, material)],
            "configPatches": patches(platform, name),
        }
    )


def _named(name: str) -> str:
    """What stands in for a PEM text, in base64: its own name."""
    return base64.b64encode(f"({name})".encode()).decode()


# Each secret is its own name, so that a golden file shows where it goes.
NAMED: dict[str, Any] = {
    "certs": {
        **{
            name: {"cert": _named(f"certificate of {name}"), "key": _named(f"key of {name}")}
            for name in ("etcd", "k8s", "k8s_aggregator", "os")
        },
        "k8s_serviceaccount": {"key": _named("key of service accounts")},
    },
    "cluster": {"id": "(cluster id)", "secret": "(cluster secret)"},
    "secrets": {
        "bootstrap_token": "(bootstrap token)",
        "secretbox_encryption_secret": "(secretbox secret)",
        "aescbc_encryption_secret": "(secret from before v1.3)",
    },
    "trustdinfo": {"token": "(machine token)"},
}
