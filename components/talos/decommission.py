"""A machine that leaves the platform."""

from typing import Any

from pulumi import Input, ResourceOptions

from components.native import ContractResource, talos_client
from core.model import Platform
from core.native.machine import DECOMMISSION

# For each of its waits: a drain during which KubeVirt migrates virtual machines, etcd, a machine that shuts down.
DECOMMISSION_TIMEOUT_SECONDS = 1800


class Decommission(ContractResource):
    """Removes a machine once: drained, out of etcd, erased and its Node deleted; or, if it is dead, only removed."""

    def __init__(
        self, name: str, machine: str, platform: Platform, client: Any, kubeconfig: Input[str], opts: ResourceOptions
    ) -> None:
        spec = platform.leaving[machine]
        values = {
            "machine": machine,
            "node": str(spec.address),
            "how": spec.decommission,
            "controlplane": spec.role == "controlplane",
            "others": {plane: str(platform.machines[plane].address) for plane in platform.controlplanes},
            "clientConfiguration": talos_client(client),
            "kubeconfig": kubeconfig,
            "timeoutSeconds": DECOMMISSION_TIMEOUT_SECONDS,
        }
        super().__init__(DECOMMISSION, name, values, opts)
