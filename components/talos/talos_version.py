"""The OS on a machine, upgraded in its turn."""

from typing import Any

from pulumi import Input, Output, ResourceOptions

from components.native import ContractResource, talos_client
from core.boot import arguments
from core.model import Platform
from core.native.machine import TALOS_VERSION

# A first installation from a slow mirror, or a drain, an installation and a reboot with firmware that tests memory.
UPGRADE_TIMEOUT_SECONDS = 3600


class TalosVersion(ContractResource):
    """The version and schematic that a machine runs. Another one drains, upgrades and reboots it."""

    version: Output[str]

    def __init__(
        self, name: str, machine: str, platform: Platform, node: Input[str], client: Any, opts: ResourceOptions
    ) -> None:
        values = {
            "machine": machine,
            "node": node,
            "clientConfiguration": talos_client(client),
            "image": platform.installer_of(machine),
            "kernelArguments": arguments.installed(platform, machine),
            "controlplane": platform.machines[machine].role == "controlplane",
            # Maintenance mode does not report processor flags, so they are read once the machine has its config.
            "virtualization": bool(
                platform.vms
                and platform.kubevirt
                and not platform.kubevirt.emulation
                and machine in platform.schedulable
                # ARM processors don't report by a flag that they support virtual machines.
                and platform.machines[machine].arch == "amd64"
            ),
            "timeoutSeconds": UPGRADE_TIMEOUT_SECONDS,
        }
        super().__init__(TALOS_VERSION, name, values, opts)
