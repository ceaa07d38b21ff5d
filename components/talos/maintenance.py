"""Before and after a machine's config: the machine waits for its turn, and is healthy again."""

from collections.abc import Mapping
from typing import Any

from pulumi import Input, Output, ResourceOptions

from components.native import ContractResource, talos_client
from core.machineconfig.base import base_texts
from core.model import Platform
from core.native.machine import MAINTENANCE_TURN, NODE_HEALTHY

from .sealed import documents

# Long enough for the turns of all machines in front of it and for its own drain.
TURN_TIMEOUT_SECONDS = 7200
# A boot with firmware that tests memory, or a kubelet from a slow mirror.
HEALTHY_TIMEOUT_SECONDS = 1800


def _shared(name: str, node: Input[str], platform: Platform, client: Any) -> dict[str, Any]:
    return {
        "machine": name,
        "node": node,
        "clientConfiguration": talos_client(client),
        # A control plane issues a kubeconfig when it is needed: an edge to the resource with the kubeconfig would be
        # a cycle.
        "planes": {plane: str(platform.machines[plane].address) for plane in platform.controlplanes},
        "kubernetes": platform.talos.kubernetes,
    }


class MaintenanceTurn(ContractResource):
    """Makes a machine wait for its turn and drains it before a config that reboots it or changes its Kubernetes."""

    turn: Output[int]
    """The number of the machine's turns so far, including this one."""
    began: Output[str]
    """When the machine was started before this turn."""
    reboots: Output[bool]
    """Whether the config of this turn reboots it."""

    def __init__(
        self,
        name: str,
        machine: str,
        platform: Platform,
        node: Input[str],
        client: Any,
        opts: ResourceOptions,
        *,
        secrets: Mapping[str, str],
    ) -> None:
        """secrets: stand-in to secret of the stack file."""
        values = {
            **_shared(machine, node, platform, client),
            "controlplane": platform.machines[machine].role == "controlplane",
            "generation": platform.machines[machine].install.generation,
            "base": base_texts(platform, platform.machines[machine].role),
            "documents": documents(platform, machine, secrets),
            "timeoutSeconds": TURN_TIMEOUT_SECONDS,
        }
        super().__init__(MAINTENANCE_TURN, name, values, opts)


class NodeHealthy(ContractResource):
    """After the config: the machine is healthy with the declared kubelet, and takes pods. Then the next turn begins."""

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
        values = {
            **_shared(machine, node, platform, client),
            "turn": turn.turn,
            "began": turn.began,
            "reboots": turn.reboots,
            "timeoutSeconds": HEALTHY_TIMEOUT_SECONDS,
        }
        super().__init__(NODE_HEALTHY, name, values, opts)
