"""The layer beneath disks, as far as a platform has it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pulumi import Resource

from components.kubernetes import Cluster

from .cdi import Cdi
from .golden import GoldenImages
from .local import LocalStorage


@dataclass(frozen=True, kw_only=True)
class Volumes:
    """What is done before a disk is made."""

    ready: tuple[Resource, ...] = ()
    """Classes of volumes, and CDI, which fills disks. Empty without storage."""
    images: Mapping[str, Resource] = field(default_factory=dict)
    """Golden images by name."""


def volumes(cluster: Cluster) -> Volumes:
    """Make what disks need, as far as a platform has it."""
    platform = cluster.platform
    made: tuple[Resource, ...] = ()
    if platform.storage is not None and platform.storage.local is not None:
        made = LocalStorage("local-storage", cluster).classes
    if platform.cdi is not None:
        made = (*made, *Cdi("cdi", cluster, made).ready)
    images = GoldenImages("images", cluster, made).ready if platform.golden else {}
    return Volumes(ready=made, images=images)
