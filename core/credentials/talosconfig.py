"""The file that talosctl reads: the client's certificate, and the addresses of the Talos API."""

import json
from collections.abc import Mapping
from typing import Any

from core.model import Platform


def talosconfig(platform: Platform, client: Mapping[str, str]) -> str:
    """A talosconfig file as JSON, which is YAML: secret.

    Endpoints are the control planes' own addresses and never the API's virtual IP, because the virtual IP needs etcd,
    and the Talos API has to answer when etcd does not.
    """
    machines = platform.machines
    context: dict[str, Any] = {
        "endpoints": [str(machines[name].address) for name in platform.controlplanes],
        # No default nodes: every command has to name its node, because talosctl would query all of them.
        "ca": client["ca_certificate"],
        "crt": client["client_certificate"],
        "key": client["client_key"],
    }
    return json.dumps({"context": platform.name, "contexts": {platform.name: context}}, indent=1)
