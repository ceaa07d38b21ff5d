"""What the plan refuses to do to a platform at once."""

from typing import Any

from pulumi import CustomResource, ResourceOptions

from components.native import talos_client
from core.model import Platform


class ChangeGuard(CustomResource):
    """Compares versions and machines with what the last update left, and refuses what can't be undone."""

    def __init__(self, name: str, platform: Platform, client: Any, opts: ResourceOptions) -> None:
        props = {
            "platform": platform.name,
            "contract": platform.talos.contract,
            "talos": platform.talos.version,
            "kubernetes": platform.talos.kubernetes,
            "controlplanes": {machine: str(platform.machines[machine].address) for machine in platform.controlplanes},
            "machines": {name: machine.role for name, machine in platform.machines.items()},
            "leaving": {
                name: {"how": machine.decommission, "role": machine.role, "address": str(machine.address)}
                for name, machine in platform.leaving.items()
            },
            # For the day on which one that left is forgotten: it is asked whether it did.
            "clientConfiguration": talos_client(client),
        }
        opts = ResourceOptions.merge(opts, ResourceOptions(additional_secret_outputs=["clientConfiguration"]))
        super().__init__("bedplate-native:talos:Guard", name, props, opts)
