"""What the plan refuses to do to a platform at once."""

from pulumi import CustomResource, ResourceOptions

from components.platform import Platform


class Guard(CustomResource):
    """Compares versions and control planes with what the last update left, and refuses what can't be undone."""

    def __init__(self, name: str, platform: Platform, opts: ResourceOptions) -> None:
        props = {
            "platform": platform.name,
            "contract": platform.talos.contract,
            "talos": platform.talos.version,
            "kubernetes": platform.talos.kubernetes,
            "controlplanes": {machine: str(platform.machines[machine].address) for machine in platform.controlplanes},
        }
        super().__init__("bedplate-native:talos:Guard", name, props, opts)
