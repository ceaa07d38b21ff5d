"""The steps for a person, for a machine that has no BMC."""

from pulumi import ResourceOptions

from components.native import ContractResource
from core.boot import manual
from core.model import Platform
from core.native.metal import MANUAL_BOOT


class ManualBoot(ContractResource):
    """The manual steps that boot one machine: shown by a plan if the machine has to be booted."""

    def __init__(self, name: str, machine: str, platform: Platform, opts: ResourceOptions) -> None:
        spec = platform.machines[machine]
        # A replaced machine has to be booted too.
        marks = {"mac": spec.mac, "uuid": spec.uuid, "serial": spec.serial}
        values = {
            "generation": spec.install.generation,
            "hardware": {key: value for key, value in marks.items() if value},
            "steps": list(manual.steps(platform, machine)),
        }
        super().__init__(MANUAL_BOOT, name, values, opts)
