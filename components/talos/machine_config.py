"""The config of one machine."""

from collections.abc import Mapping, Sequence
from typing import Any

from pulumi import Input, Output, ResourceOptions

from components.native import ContractResource, talos_client
from core.machineconfig.base import base_texts
from core.machineconfig.documents import patches
from core.model import Platform
from core.native.machine import MACHINE_CONFIG

from .identity import Identity, declared
from .sealed import secrets_of


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
        pki: Input[Sequence[str]],
        opts: ResourceOptions,
        *,
        secrets: Mapping[str, str],
        serials: Input[list[str]] | None = None,
    ) -> None:
        """pki: the PKI of the machine's role, as documents in JSON (secret). secrets: stand-in to secret.

        serials: as of Identity.
        """
        role = platform.machines[machine].role
        values = {
            "machine": machine,
            "node": node,
            "clientConfiguration": talos_client(client),
            # Plain, so that the plan shows them and policies check them.
            "base": base_texts(platform, role),
            "pki": pki,
            "configPatches": [*patches(platform, machine)],
            "secrets": secrets_of(platform, machine, secrets) or None,
            "generation": platform.machines[machine].install.generation,
            "fingerprint": identity.fingerprint,
            "declared": declared(platform, machine) | ({} if serials is None else {"serials": serials}),
        }
        super().__init__(MACHINE_CONFIG, name, values, opts)
