"""etcd, bootstrapped once."""

from typing import Any

from pulumi import Input, Output, ResourceOptions

from components.native import ContractResource, talos_client
from core.model import Platform
from core.native.cluster import BOOTSTRAP

# An installation from a slow mirror, a reboot, and the download of etcd's image.
BOOTSTRAP_TIMEOUT_SECONDS = 1800


class Bootstrap(ContractResource):
    """etcd on the first control plane: bootstrapped there, or adopted."""

    adopted: Output[bool]
    """Whether etcd was already running: then each control plane must be healthy before the next one changes."""

    def __init__(self, name: str, platform: Platform, node: Input[str], client: Any, opts: ResourceOptions) -> None:
        first = platform.first
        values = {
            "machine": first,
            "node": node,
            # Literal addresses, not `booted[...]` outputs: an output would add an edge, and a control plane that is
            # down would then block the bootstrap.
            "others": {
                plane: str(platform.machines[plane].address) for plane in platform.controlplanes if plane != first
            },
            "clientConfiguration": talos_client(client),
            "timeoutSeconds": BOOTSTRAP_TIMEOUT_SECONDS,
        }
        super().__init__(BOOTSTRAP, name, values, opts)
