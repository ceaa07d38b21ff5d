"""The `images` section: golden images, each fetched once and the source of any number of disks."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from .cron import SCHEMA, schedule
from .disks import (
    DiskSourceSpec,
    GuestDiskSize,
    GuestDiskSpec,
    HttpSourceSpec,
    RegistrySourceSpec,
    S3SourceSpec,
)
from .faults import refuse
from .images import ContainerImage
from .pattern import Pattern
from .storage import StorageClassName
from .types import Model

Refresh = Annotated[
    str,
    schedule(
        1,
        "registries limit how often they are asked, and images are rebuilt by the day",
        "newer image would ever be found",
        "0 3 * * 1",
    ),
    SCHEMA,
]


# Names of its claims, of CDI's jobs and of objects that CDI derives from them have 63 characters at most.
# Source: kubevirt/containerized-data-importer v1.65.0, pkg/controller/dataimportcron-controller.go, GetCronJobName.
ImageName = Annotated[
    str,
    Pattern(
        r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?",
        "the name of an image",
        "names of Kubernetes objects are made from it, with a letter first",
        "use at most 40 of a-z, 0-9 and -, e.g. fedora-42",
    ),
]


class ImageRegistrySpec(Model):
    """A container disk: an image with the disk's file in /disk. Nodes pull it, from registries.mirrors too."""

    image: ContainerImage = Field(examples=[f"quay.io/containerdisks/fedora:42@sha256:{'0' * 64}"])
    """The image with its digest; with refresh, with a tag and no digest."""


class GoldenImageSpec(Model):
    """An image that disks of VMs are copies of. It has one of http, registry and s3."""

    http: HttpSourceSpec | None = None
    registry: ImageRegistrySpec | None = None
    s3: S3SourceSpec | None = None
    size: GuestDiskSize = Field(examples=["10Gi"])
    """Space for the image as a guest sees it: at least its virtual size, which `qemu-img info FILE` prints."""
    class_: StorageClassName | None = Field(default=None, alias="class")
    """The class of volumes, one of storage:. Unset: the default one. Disks of the same class are copied fastest."""
    refresh: Refresh | None = Field(default=None, examples=['"0 3 * * 1"'])
    """When the tag of a registry's image is looked up again: minute, hour, day of the month, month, day of the week, in
    UTC. New disks are copies of the newest one, and disks that exist stay as they are."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [key for key in ("http", "registry", "s3") if getattr(self, key) is not None]
        if len(given) != 1:
            refuse(
                f"has {' and '.join(given)}" if given else "has no source",
                "an image is fetched from exactly one place",
                "keep one of http, registry, s3",
            )
        if self.refresh is not None and self.registry is None:
            refuse(
                f"has refresh and {given[0]}",
                "CDI looks for newer images in registries alone",
                "remove refresh, or write registry: {image: …}",
            )
        return self

    @property
    def source(self) -> DiskSourceSpec:
        """What it is filled from, as a disk has it."""
        if self.registry is not None:
            # With refresh there is no digest, which a disk must have.
            pulled = RegistrySourceSpec.model_construct(image=self.registry.image)
            return DiskSourceSpec.model_construct(registry=pulled)
        return DiskSourceSpec(http=self.http, s3=self.s3)

    @property
    def disk(self) -> GuestDiskSpec:
        """The image as a disk of a VM would be declared."""
        return GuestDiskSpec.model_construct(size=self.size, from_=self.source, class_=self.class_, keep=False)
