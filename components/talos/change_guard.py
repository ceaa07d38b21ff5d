"""Changes that the plan refuses."""

from typing import Any

from pulumi import ResourceOptions

from components.native import ContractResource, talos_client
from core.machineconfig import running
from core.model import Platform
from core.native.cluster import CHANGE_GUARD


class ChangeGuard(ContractResource):
    """Compares versions and machines with the last update, and refuses what can't be undone."""

    def __init__(self, name: str, platform: Platform, client: Any, opts: ResourceOptions) -> None:
        values = {
            "platform": platform.name,
            "contract": platform.talos.contract,
            "talos": platform.talos.version,
            "kubernetes": platform.talos.kubernetes,
            "cilium": platform.cilium.version,
            **({"kubevirt": platform.kubevirt.version} if platform.kubevirt else {}),
            **({"cdi": platform.cdi.version} if platform.cdi else {}),
            "controlplanes": {machine: str(platform.machines[machine].address) for machine in platform.controlplanes},
            "machines": {name: machine.role for name, machine in platform.machines.items()},
            "leaving": {
                name: {"how": machine.decommission, "role": machine.role, "address": str(machine.address)}
                for name, machine in platform.leaving.items()
            },
            "network": running.declared(platform) or None,
            "accepted": running.accepted(platform) or None,
            # Used to check that a machine has left before its entry is deleted.
            "clientConfiguration": talos_client(client),
        }
        super().__init__(CHANGE_GUARD, name, values, opts)
