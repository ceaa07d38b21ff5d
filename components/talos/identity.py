"""The gate before a machine's config."""

from typing import Any

from pulumi import CustomResource, Input, Output, ResourceOptions

from components.native import talos_client
from core.machineconfig.documents import patches
from core.model import Platform

# From a cold server's first power-on to Talos' API: firmware that tests memory takes most of it.
BOOT_TIMEOUT_SECONDS = 1800


def declared(platform: Platform, name: str) -> dict[str, Any]:
    """What the stack file says of a machine's hardware: what no other machine's may be taken for."""
    machine = platform.machines[name]
    said = {
        "uuid": machine.uuid,
        "serial": machine.serial,
        "mac": machine.mac,
        "disk": machine.install.disk.model_dump(exclude_none=True),
        "threads": machine.expects.threads,
        "memoryMib": machine.expects.memory_mib,
    }
    return {key: value for key, value in said.items() if value is not None}


class Identity(CustomResource):
    """Waits until what answers at a machine's address is the declared hardware. Nothing is sent to another machine."""

    found: Output[Any]
    """The hardware as the machine tells it."""

    def __init__(
        self, name: str, machine: str, platform: Platform, node: Input[str], client: Any, opts: ResourceOptions
    ) -> None:
        props = {
            "machine": machine,
            "node": node,
            "clientConfiguration": talos_client(client),
            "declared": declared(platform, machine),
            "generation": platform.machines[machine].install.generation,
            # What its config is made of but for the PKI: with another one, the machine is asked again, and the plan
            # says in words what changes. It stays encrypted, since a patch may hold a secret.
            "documents": Output.secret([*patches(platform, machine)]),
            "versions": {"contract": platform.talos.contract, "kubernetes": platform.talos.kubernetes},
            "timeoutSeconds": BOOT_TIMEOUT_SECONDS,
            "found": None,
        }
        opts = ResourceOptions.merge(
            opts, ResourceOptions(additional_secret_outputs=["clientConfiguration", "documents"])
        )
        super().__init__("bedplate-native:talos:Identity", name, props, opts)
