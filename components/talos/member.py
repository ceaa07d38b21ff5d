"""The gate between control planes."""

import hashlib
from typing import Any

from pulumi import CustomResource, Input, Output, ResourceOptions

from components.native import talos_client
from core.machineconfig.documents import patches
from core.model import Platform

# An install from a slow mirror, a reboot and etcd's own pace.
MEMBER_TIMEOUT_SECONDS = 900


class EtcdMember(CustomResource):
    """Waits until a machine has a vote in etcd, as another member tells it."""

    def __init__(
        self,
        name: str,
        machine: str,
        platform: Platform,
        address: Input[str],
        ask: Input[str],
        client: Any,
        opts: ResourceOptions,
        *,
        adopted: Input[bool],
    ) -> None:
        props = {
            "machine": machine,
            "address": address,
            "node": ask,
            # It stays encrypted: it is made of patches, and one may hold a secret.
            "config": Output.secret(hashlib.sha256("\0".join(patches(platform, machine)).encode()).hexdigest()),
            "clientConfiguration": talos_client(client),
            "timeoutSeconds": MEMBER_TIMEOUT_SECONDS,
            # A member that was one before its config came may be rebooting.
            "adopted": adopted,
        }
        opts = ResourceOptions.merge(opts, ResourceOptions(additional_secret_outputs=["clientConfiguration", "config"]))
        super().__init__("bedplate-native:talos:EtcdMember", name, props, opts)
