"""The gate before a machine's config."""

from collections.abc import Mapping
from typing import Any

from pulumi import Input, Output, ResourceOptions

from components.native import ContractResource, talos_client
from core.machineconfig.base import base_texts
from core.model import Platform
from core.native.machine import IDENTITY

from .sealed import documents

# From a cold server's power-on to the Talos API: most of it is firmware that tests memory.
BOOT_TIMEOUT_SECONDS = 1800


def declared(platform: Platform, name: str) -> dict[str, Any]:
    """What the stack file declares of a machine's hardware: the name of each fact, such as uuid, to its value."""
    machine = platform.machines[name]
    facts = {
        "uuid": machine.uuid,
        "serial": machine.serial,
        "mac": machine.mac,
        "disk": machine.install.disk.model_dump(exclude_none=True),
        "threads": machine.expects.threads,
        "memoryMib": machine.expects.memory_mib,
        "secureBoot": platform.schematic_of(name).secureboot or None,
    }
    return {key: value for key, value in facts.items() if value is not None}


class Identity(ContractResource):
    """Waits until the machine at an address is the declared hardware; nothing is sent to another machine."""

    found: Output[Any]
    """The hardware that the machine reports."""
    fingerprint: Output[str]
    """The SHA-256 of the certificate that a machine without a config served; empty if it had one."""

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
        serials: Input[list[str]] | None = None,
    ) -> None:
        """secrets: stand-in to secret of the stack file.

        serials: the two serial numbers that the machine's BMC reports, or none; None without a BMC.
        """
        values = {
            "machine": machine,
            "node": node,
            "clientConfiguration": talos_client(client),
            "declared": declared(platform, machine),
            "serials": serials,
            "generation": platform.machines[machine].install.generation,
            # The machine's config without the PKI: a change queries the machine again, and the plan lists the fields.
            "base": base_texts(platform, platform.machines[machine].role),
            "documents": documents(platform, machine, secrets),
            "versions": {"contract": platform.talos.contract, "kubernetes": platform.talos.kubernetes},
            "timeoutSeconds": BOOT_TIMEOUT_SECONDS,
        }
        super().__init__(IDENTITY, name, values, opts)
