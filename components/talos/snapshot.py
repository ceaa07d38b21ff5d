"""etcd, saved before an upgrade."""

from typing import Any

from pulumi import Output, ResourceOptions

from components.native import ContractResource, talos_client
from core.model import Platform
from core.native.cluster import SNAPSHOT

# For each control plane that is queried: etcd's default limit is 2 GiB.
SNAPSHOT_TIMEOUT_SECONDS = 1800
# In the checkout, where `./bedplate snapshot` writes its own. Plans show it, so it is no path of one computer.
DEFAULT_FOLDER = ".toolchain/snapshots"


class Snapshot(ContractResource):
    """The versions of the last upgrade. Another version, schematic or Kubernetes saves etcd to a file first."""

    file: Output[str]
    """The last file that was written; empty before the first."""

    def __init__(self, name: str, platform: Platform, client: Any, opts: ResourceOptions) -> None:
        want = platform.talos.snapshots
        # The bootstrapped control plane is upgraded last, so it is queried first.
        nodes = (platform.first, *(plane for plane in platform.controlplanes if plane != platform.first))
        values = {
            "platform": platform.name,
            "talos": platform.talos.version,
            "schematic": platform.images,
            "kubernetes": platform.talos.kubernetes,
            "nodes": [str(platform.machines[node].address) for node in nodes],
            "clientConfiguration": talos_client(client),
            "folder": want.folder or DEFAULT_FOLDER,
            "wanted": want.before_upgrades,
            "timeoutSeconds": SNAPSHOT_TIMEOUT_SECONDS,
        }
        super().__init__(SNAPSHOT, name, values, opts)
