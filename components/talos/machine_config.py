"""The config of one machine."""

from typing import Any

from pulumi import Input, Output, ResourceOptions

from components.native import ContractResource, talos_client
from core.machineconfig.documents import patches
from core.model import Platform
from core.native.machine import MACHINE_CONFIG

from .identity import Identity, declared


class MachineConfig(ContractResource):
    """Sends a machine its whole config, and nothing to a machine that was not identified."""

    node: Output[str]
    """The machine's address."""
    machineConfiguration: Output[str]
    """The whole config (secret), under the name that it has in states."""

    def __init__(
        self,
        name: str,
        machine: str,
        platform: Platform,
        node: Input[str],
        client: Any,
        identity: Identity,
        config: Input[str],
        opts: ResourceOptions,
        *,
        serials: Input[list[str]] | None = None,
    ) -> None:
        """config: the generated config of the machine's role (secret). serials: as of Identity."""
        values = {
            "machine": machine,
            "node": node,
            "clientConfiguration": talos_client(client),
            "machineConfigurationInput": config,
            # Plain, so that the plan shows them and policies check them.
            "configPatches": [*patches(platform, machine)],
            "generation": platform.machines[machine].install.generation,
            "fingerprint": identity.fingerprint,
            "declared": declared(platform, machine) | ({} if serials is None else {"serials": serials}),
        }
        super().__init__(MACHINE_CONFIG, name, values, opts)
