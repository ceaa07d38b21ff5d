"""What a person has to do for a machine that has no BMC."""

from pulumi import CustomResource, ResourceOptions

from core.boot.manual import steps
from core.model import Platform


class ManualBoot(CustomResource):
    """The steps for one machine: shown in a plan that permits the machine a boot, and in no other."""

    def __init__(self, name: str, machine: str, platform: Platform, opts: ResourceOptions) -> None:
        spec = platform.machines[machine]
        # A machine that replaces this one has to be booted too.
        marks = {"mac": spec.mac, "uuid": spec.uuid, "serial": spec.serial}
        props = {
            "generation": spec.install.generation,
            "hardware": {key: value for key, value in marks.items() if value},
            "steps": list(steps(platform, machine)),
        }
        super().__init__("bedplate-native:metal:ByHand", name, props, opts)
