"""etcd, saved before an upgrade."""

from typing import Any

from pulumi import CustomResource, Output, ResourceOptions

from components.native import talos_client
from core.model import Platform

# For each control plane that is asked: etcd's default limit is 2 GiB.
SNAPSHOT_TIMEOUT_SECONDS = 1800
# In the checkout, where `./bedplate snapshot` writes its own. It is told in plans: no path of one machine.
BESIDE = ".toolchain/snapshots"


class Snapshot(CustomResource):
    """What was last upgraded to. Another version, schematic or Kubernetes saves etcd to a file first."""

    file: Output[str]
    """The last one that was written; empty before the first."""

    def __init__(self, name: str, platform: Platform, client: Any, opts: ResourceOptions) -> None:
        want = platform.talos.snapshots
        # The one that is bootstrapped is upgraded last, so it is asked first.
        nodes = (platform.first, *(plane for plane in platform.controlplanes if plane != platform.first))
        props = {
            "platform": platform.name,
            "talos": platform.talos.version,
            "schematic": platform.schematic_id,
            "kubernetes": platform.talos.kubernetes,
            "nodes": [str(platform.machines[node].address) for node in nodes],
            "clientConfiguration": talos_client(client),
            "folder": want.folder or BESIDE,
            "wanted": want.before_upgrades,
            "timeoutSeconds": SNAPSHOT_TIMEOUT_SECONDS,
            "file": None,
        }
        opts = ResourceOptions.merge(opts, ResourceOptions(additional_secret_outputs=["clientConfiguration"]))
        super().__init__("bedplate-native:talos:Snapshot", name, props, opts)
