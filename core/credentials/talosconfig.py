"""What talosctl reads: who we are, and where to ask. Plain functions: no Pulumi in here."""

import json
from collections.abc import Mapping
from typing import Any

from core.model import Platform


def talosconfig(platform: Platform, client: Mapping[str, str]) -> str:
    """A talosconfig file as JSON, which is YAML: secret.

    Endpoints are the control planes' own addresses, never the API's virtual IP: that one needs etcd, and the Talos
    API is there for when etcd is not.
    """
    machines = platform.machines
    context: dict[str, Any] = {
        "endpoints": [str(machines[name].address) for name in platform.controlplanes],
        # Every command names its node; without one, talosctl would ask all of them.
        "ca": client["ca_certificate"],
        "crt": client["client_certificate"],
        "key": client["client_key"],
    }
    return json.dumps({"context": platform.name, "contexts": {platform.name: context}}, indent=1)
