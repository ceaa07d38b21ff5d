"""A machine's way out of the platform."""

from typing import Any

from pulumi import CustomResource, Input, Output, ResourceOptions

from components.native import talos_client
from core.model import Platform

# For each of its waits: a drain that KubeVirt's migrations take long for, etcd, a machine that switches itself off.
DECOMMISSION_TIMEOUT_SECONDS = 1800


class Decommission(CustomResource):
    """Takes a machine out, once: drained, out of etcd, erased and forgotten; or forgotten alone, where it is dead."""

    def __init__(
        self, name: str, machine: str, platform: Platform, client: Any, kubeconfig: Input[str], opts: ResourceOptions
    ) -> None:
        spec = platform.leaving[machine]
        props = {
            "machine": machine,
            "node": str(spec.address),
            "how": spec.decommission,
            "controlplane": spec.role == "controlplane",
            "others": {plane: str(platform.machines[plane].address) for plane in platform.controlplanes},
            "clientConfiguration": talos_client(client),
            "kubeconfig": Output.secret(kubeconfig),
            "timeoutSeconds": DECOMMISSION_TIMEOUT_SECONDS,
        }
        opts = ResourceOptions.merge(
            opts, ResourceOptions(additional_secret_outputs=["clientConfiguration", "kubeconfig"])
        )
        super().__init__("bedplate-native:talos:Decommission", name, props, opts)
