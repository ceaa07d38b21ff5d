"""The gate between control planes."""

import hashlib
from typing import Any

from pulumi import CustomResource, Input, Output, ResourceOptions

from core.machineconfig.documents import patches
from core.model import Platform

# An install from a slow mirror, a reboot and etcd's own pace.
MEMBER_TIMEOUT_SECONDS = 900


def client_input(client: Any) -> Output[dict[str, str]]:
    """The Talos API's client as our own resources take it."""
    # By key, and named as the API has it: the SDK hands out its own spelling.
    return Output.secret(
        {
            "caCertificate": client["ca_certificate"],
            "clientCertificate": client["client_certificate"],
            "clientKey": client["client_key"],
        }
    )


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
            "clientConfiguration": client_input(client),
            "timeoutSeconds": MEMBER_TIMEOUT_SECONDS,
            # A member that was one before its config came may be rebooting.
            "adopted": adopted,
        }
        opts = ResourceOptions.merge(opts, ResourceOptions(additional_secret_outputs=["clientConfiguration", "config"]))
        super().__init__("bedplate-native:talos:EtcdMember", name, props, opts)
