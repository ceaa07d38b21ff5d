"""The OS on a machine, upgraded in its turn."""

from typing import Any

from pulumi import CustomResource, Input, Output, ResourceOptions

from components.native import talos_client
from core.model import Platform

# A first install from a slow mirror, or a drain, an install and a reboot with firmware that tests memory.
RELEASE_TIMEOUT_SECONDS = 3600


class TalosVersion(CustomResource):
    """The release and schematic that a machine runs. Another one drains, upgrades and reboots it."""

    version: Output[str]

    def __init__(
        self, name: str, machine: str, platform: Platform, node: Input[str], client: Any, opts: ResourceOptions
    ) -> None:
        props = {
            "machine": machine,
            "node": node,
            "clientConfiguration": talos_client(client),
            "image": platform.installer,
            "controlplane": platform.machines[machine].role == "controlplane",
            # Processor flags are told by no API of maintenance mode: so they are read as soon as it has its config.
            "virtualization": bool(
                platform.vms
                and platform.kubevirt
                and not platform.kubevirt.emulation
                and machine in platform.schedulable
            ),
            "timeoutSeconds": RELEASE_TIMEOUT_SECONDS,
            "version": None,
            "schematic": None,
        }
        opts = ResourceOptions.merge(opts, ResourceOptions(additional_secret_outputs=["clientConfiguration"]))
        super().__init__("bedplate-native:talos:Release", name, props, opts)
