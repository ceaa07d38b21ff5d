"""The `talos.snapshots` section: when etcd is saved, and where to."""

from typing import Annotated

from pydantic import Field

from core.facts.addresses import HOST
from core.facts.folders import FOLDER

from .cron import SCHEMA, schedule
from .folders import DataFolder
from .pattern import Pattern
from .types import Model, Name

Export = Annotated[
    str,
    Pattern(
        rf"/|{FOLDER}",
        "the path of an NFS export",
        "nodes mount exactly this path",
        "write e.g. /srv/etcd, without a slash at the end",
    ),
]
Server = Annotated[
    str,
    Pattern(
        HOST,
        "the name or address of an NFS server",
        "nodes mount from this server",
        "write e.g. nas.example.com or 192.168.10.3",
    ),
]

Schedule = Annotated[
    str,
    schedule(
        # Each snapshot is a full copy of etcd, and Bedplate deletes none.
        4,
        "each snapshot is a full copy of etcd, and Bedplate deletes none of them",
        "snapshot would ever be taken",
        "0 */6 * * *",
    ),
    SCHEMA,
]


class NfsSpec(Model):
    """A folder of an NFS server."""

    server: Server = Field(examples=["nas.example.com"])
    path: Export = Field(examples=["/srv/etcd"])
    """The export. User 65532 writes to it; no other user needs to read it."""


class StoreSpec(Model):
    """Where the cluster writes its snapshots: exactly one of the two."""

    nfs: NfsSpec | None = None
    """A folder of an NFS server, version 4.1 or later."""
    claim: Name | None = None
    """A PersistentVolumeClaim of yours, in the namespace etcd-snapshots."""


class SnapshotsSpec(Model):
    """When etcd is saved. It contains everything that Kubernetes knows, Secrets included."""

    before_upgrades: bool = True
    """Save etcd to a file before talos.version, talos.schematic or talos.kubernetes changes. If that fails, nothing is
    upgraded. false upgrades without a way back."""
    folder: DataFolder | None = None
    """Folder for those files, on the computer that runs `up`: one that is backed up. Unset: .toolchain/snapshots of
    the checkout."""
    schedule: Schedule | None = Field(default=None, examples=['"0 */6 * * *"'])
    """When the cluster saves its own etcd in addition: minute, hour, day of the month, month, day of the week, in
    UTC."""
    to: StoreSpec | None = None
    """Where those snapshots are written. Bedplate never deletes old ones."""
