"""The layer beneath disks, as far as a platform has it."""

from pulumi import Resource

from components.kubernetes import Cluster

from .cdi import Cdi
from .local import LocalStorage


def volumes(cluster: Cluster) -> tuple[Resource, ...]:
    """What is done before a disk is made: classes of volumes, and CDI, which fills disks. Empty without storage."""
    platform = cluster.platform
    made: tuple[Resource, ...] = ()
    if platform.storage is not None and platform.storage.local is not None:
        made = LocalStorage("local-storage", cluster).classes
    if platform.cdi is not None:
        made = (*made, *Cdi("cdi", cluster, made).ready)
    return made
