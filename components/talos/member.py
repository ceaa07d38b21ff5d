"""The gate between control planes."""

import hashlib
from typing import Any

from pulumi import Input, ResourceOptions

from components.native import ContractResource, talos_client
from core.machineconfig.documents import patches
from core.model import Platform
from core.native.cluster import ETCD_MEMBER

# An installation from a slow mirror, a reboot, and etcd's own join.
MEMBER_TIMEOUT_SECONDS = 900


class EtcdMember(ContractResource):
    """Waits until another member reports that the machine has a vote in etcd."""

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
        values = {
            "machine": machine,
            "address": address,
            "node": ask,
            "config": hashlib.sha256("\0".join(patches(platform, machine)).encode()).hexdigest(),
            "clientConfiguration": talos_client(client),
            "timeoutSeconds": MEMBER_TIMEOUT_SECONDS,
            # A machine that was a member before it got its config may be rebooting.
            "adopted": adopted,
        }
        super().__init__(ETCD_MEMBER, name, values, opts)
