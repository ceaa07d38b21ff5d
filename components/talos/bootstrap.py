"""etcd, made once."""

from typing import Any

from pulumi import CustomResource, Input, Output, ResourceOptions

from components.native import talos_client
from core.model import Platform

# An install from a slow mirror, a reboot, and etcd's image.
BOOTSTRAP_TIMEOUT_SECONDS = 1800


class Bootstrap(CustomResource):
    """etcd on the first control plane: made there, or found there."""

    adopted: Output[bool]
    """Whether it was found: then the control planes run, and each is to be well again before the next one is touched."""

    def __init__(self, name: str, platform: Platform, node: Input[str], client: Any, opts: ResourceOptions) -> None:
        first = platform.first
        props = {
            "machine": first,
            "node": node,
            # Their addresses and not what made them boot: one that is down keeps nobody.
            "others": {
                plane: str(platform.machines[plane].address) for plane in platform.controlplanes if plane != first
            },
            "clientConfiguration": talos_client(client),
            "timeoutSeconds": BOOTSTRAP_TIMEOUT_SECONDS,
            "adopted": None,
        }
        opts = ResourceOptions.merge(opts, ResourceOptions(additional_secret_outputs=["clientConfiguration"]))
        super().__init__("bedplate-native:talos:Bootstrap", name, props, opts)
