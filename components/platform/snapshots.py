"""When etcd is saved, and where to."""



from .types import Model, text

AbsoluteFolder = text(
    r"(/[A-Za-z0-9._@-]+)+", "a folder's whole path", "whoever runs up starts it from another place", "write e.g. /srv/snapshots, with no slash at its end"
)


class Snapshots(Model):
    """etcd holds all that Kubernetes knows: Secrets, objects, and which disks are whose."""

    before_upgrades: bool = True
    """Save etcd to a file before talos.version, talos.schematic or talos.kubernetes move; what can't be saved is not upgraded. false upgrades with no way back."""
    folder: AbsoluteFolder | None = None
    """Where up writes those files, on the machine that runs it: one that is kept. With none, .toolchain/snapshots of the checkout."""
