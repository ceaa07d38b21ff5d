"""What stands around a machine's config: its turn, and that it is well again."""

from typing import Any

from pulumi import CustomResource, Input, Output, ResourceOptions

from components.native import talos_client
from core.machineconfig.documents import patches
from core.model import Platform

# For the turns of all that are before it, and for its own drain.
TURN_TIMEOUT_SECONDS = 7200
# A boot with firmware that tests memory, or a kubelet from a slow mirror.
SETTLE_TIMEOUT_SECONDS = 1800


def _asked(name: str, node: Input[str], platform: Platform, client: Any) -> dict[str, Any]:
    return {
        "machine": name,
        "node": node,
        "clientConfiguration": talos_client(client),
        # One of these hands out the kubeconfig at the time of need: an edge to it would be a cycle.
        "planes": {plane: str(platform.machines[plane].address) for plane in platform.controlplanes},
        "kubernetes": platform.talos.kubernetes,
    }


class MaintenanceTurn(CustomResource):
    """Before a config that restarts the machine or moves its Kubernetes: its turn is awaited, and it is drained."""

    turn: Output[int]
    """How many it has had."""
    began: Output[str]
    """When the machine was started, before this one."""
    reboots: Output[bool]

    def __init__(
        self, name: str, machine: str, platform: Platform, node: Input[str], client: Any, opts: ResourceOptions
    ) -> None:
        props = {
            **_asked(machine, node, platform, client),
            "controlplane": platform.machines[machine].role == "controlplane",
            "generation": platform.machines[machine].install.generation,
            # It stays encrypted, since a patch may hold a secret.
            "documents": Output.secret([*patches(platform, machine)]),
            "timeoutSeconds": TURN_TIMEOUT_SECONDS,
            "turn": None,
            "began": None,
            "reboots": None,
        }
        opts = ResourceOptions.merge(
            opts, ResourceOptions(additional_secret_outputs=["clientConfiguration", "documents"])
        )
        super().__init__("bedplate-native:talos:Turn", name, props, opts)


class NodeHealthy(CustomResource):
    """After it: the machine is back and well, with the wanted kubelet, and takes pods again. The next one may go."""

    def __init__(
        self,
        name: str,
        machine: str,
        platform: Platform,
        node: Input[str],
        client: Any,
        turn: MaintenanceTurn,
        opts: ResourceOptions,
    ) -> None:
        props = {
            **_asked(machine, node, platform, client),
            "turn": turn.turn,
            "began": turn.began,
            "reboots": turn.reboots,
            "timeoutSeconds": SETTLE_TIMEOUT_SECONDS,
        }
        opts = ResourceOptions.merge(opts, ResourceOptions(additional_secret_outputs=["clientConfiguration"]))
        super().__init__("bedplate-native:talos:Settled", name, props, opts)
