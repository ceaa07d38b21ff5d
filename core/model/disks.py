"""Disks of virtual machines: how large they are, what they are filled from, and in which class of volumes they are."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from core.facts import secret_looks

from .amounts import Quantity
from .faults import refuse
from .images import ContainerImage
from .pattern import Pattern
from .pem import Certificates
from .storage import StorageClassName
from .types import Model, Name
from .urls import ImageUrl

Checksum = Annotated[
    str,
    Pattern(
        r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}",
        "a checksum",
        "CDI compares the image with it before a guest boots it",
        "write sha256: and the 64 digits that `sha256sum FILE` prints, in small letters",
    ),
]


def _with_digest(image: str) -> str:
    if "@sha256:" not in image:
        refuse(
            f"{image!r} has no digest" if len(image) <= 80 else "has no digest",
            "a tag can be moved, and the disk would be another one than that which was reviewed",
            "append @sha256: and the digest that `skopeo inspect docker://IMAGE` prints",
        )
    return image


DigestImage = Annotated[ContainerImage, AfterValidator(_with_digest)]


def _names(parts: int, what: str, why: str, instead: str) -> AfterValidator:
    """A check that an address has a path of so many parts at least, and none of them is a token."""

    def check(url: str) -> str:
        if held := secret_looks.kind_by_form(url):
            refuse(
                f"contains {held}",
                "plans, states and logs show addresses in plain text",
                "replace it where it is in use, and name a Secret with a login in secret",
            )
        path = url.partition("://")[2].partition("/")[2]
        if len(path.split("/")) < parts or not path:
            refuse(what, why, instead)
        return url

    return AfterValidator(check)


FileUrl = Annotated[
    ImageUrl,
    _names(
        1,
        "is the address of a server, and of no file",
        "a disk would be filled with what the server answers there",
        "write the address of the image, e.g. https://images.example.com/fedora-42.qcow2",
    ),
]
# Source: kubevirt/containerized-data-importer v1.65.0, pkg/importer/s3-datasource.go, extractBucketAndObject.
ObjectUrl = Annotated[
    ImageUrl,
    _names(
        2,
        "lacks a bucket or a key",
        "CDI takes the first part of the path for the bucket, and the rest for the key",
        "write https://HOST/BUCKET/KEY, e.g. https://s3.example.com/images/fedora-42.qcow2",
    ),
]


class HttpSourceSpec(Model):
    """A file on a web server: qcow2, vmdk, vdi, vhd, vhdx, raw or ISO, also compressed with gzip or xz."""

    url: FileUrl = Field(examples=["https://images.example.com/fedora-42.qcow2"])
    """Its address."""
    checksum: Checksum = Field(examples=["sha256: and the 64 digits that `sha256sum FILE` prints"])
    """SHA-256 or SHA-512 of the file as the server has it."""
    ca: Certificates | None = None
    """Authorities of the server's certificate, if it is not a public one."""
    secret: Name | None = None
    """A Secret of the VM's namespace with accessKeyId and secretKey, if the server asks for a login."""


class RegistrySourceSpec(Model):
    """A container disk: an image with the disk's file in /disk. Nodes pull it, from registries.mirrors too."""

    image: DigestImage = Field(examples=[f"quay.io/containerdisks/fedora:42@sha256:{'0' * 64}"])
    """The image with its digest."""


class S3SourceSpec(Model):
    """An object of an S3 store."""

    url: ObjectUrl = Field(examples=["https://s3.example.com/images/fedora-42.qcow2"])
    """Its address: host, bucket and key."""
    ca: Certificates | None = None
    """Authorities of the server's certificate, if it is not a public one."""
    secret: Name | None = None
    """A Secret of the VM's namespace with accessKeyId and secretKey. Unset: anyone may read the object."""


class ObjectSourceSpec(Model):
    """A claim or a snapshot of the cluster, which is copied."""

    name: Name = Field(examples=["golden-fedora"])
    """Its name."""
    namespace: Name | None = None
    """Its namespace, if that is not the VM's."""


def _chosen(value: Any) -> Any:
    if value is False:
        refuse("is false", "a source that is not meant is left out", "write true, or remove the key")
    return value


Chosen = Annotated[bool, BeforeValidator(_chosen), WithJsonSchema({"const": True})]


class DiskSourceSpec(Model):
    """What a disk is filled from when it is made: exactly one of these."""

    http: HttpSourceSpec | None = None
    registry: RegistrySourceSpec | None = None
    s3: S3SourceSpec | None = None
    claim: ObjectSourceSpec | None = None
    """A copy of a claim."""
    snapshot: ObjectSourceSpec | None = None
    """A copy of a volume snapshot."""
    image: Name | None = None
    """A copy of a golden image, one of images:."""
    upload: Chosen | None = None
    """The disk waits for `virtctl image-upload`."""
    blank: Chosen | None = None
    """An empty disk, such as one that an installer writes to."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [key for key in SOURCES if getattr(self, key) is not None]
        if len(given) != 1:
            refuse(
                f"has {' and '.join(given)}" if given else "names nothing",
                "a disk is filled from exactly one thing",
                f"keep one of {', '.join(SOURCES)}",
            )
        return self

    @property
    def kind(self) -> str:
        """Which of the sources it is: one of SOURCES."""
        return next(key for key in SOURCES if getattr(self, key) is not None)

    @property
    def shown(self) -> str:
        """What it is, for messages: an address, an image, or the kind with a name."""
        match self:
            case DiskSourceSpec(http=HttpSourceSpec(url=url)) | DiskSourceSpec(s3=S3SourceSpec(url=url)):
                return url
            case DiskSourceSpec(registry=RegistrySourceSpec(image=image)):
                return image
        if self.image is not None:
            return f"image {self.image}"
        named = self.claim or self.snapshot
        return self.kind if named is None else f"{self.kind} {named.name}"


SOURCES = tuple(DiskSourceSpec.model_fields)
"""The names of all sources."""
BLANK = DiskSourceSpec(blank=True)
"""The source of a disk that names none."""

# Source: kubevirt/containerized-data-importer v1.65.0, pkg/apiserver/webhooks/datavolume-validate.go: 1 MiB at least,
# which every Quantity has.
GuestDiskSize = Quantity


class GuestDiskSpec(Model):
    """A disk of a VM, which stays when the VM stops, moves or is deleted."""

    size: GuestDiskSize | None = Field(default=None, examples=["20Gi"])
    """What the guest sees. It can grow while the guest runs, where the class allows it, and never shrink."""
    from_: DiskSourceSpec | None = Field(
        default=None,
        alias="from",
        examples=["{http: {url: 'https://images.example.com/fedora-42.qcow2', checksum: 'sha256:…'}}"],
    )
    """What it is filled from when it is made. A data disk without it is empty."""
    class_: StorageClassName | None = Field(default=None, alias="class")
    """The class of volumes, one of storage:. Unset: the default one."""
    access: Literal["ReadWriteOnce", "ReadWriteMany"] | None = None
    """Unset: the first of the class's modes. A VM moves to another node live if all its disks have ReadWriteMany."""
    mode: Literal["Filesystem", "Block"] | None = None
    """Unset: the first of the class's modes."""
    claim: Name | None = None
    """An existing claim of the VM's namespace in place of a new disk."""
    bus: Literal["virtio", "sata", "scsi"] = "virtio"
    """What the guest needs a driver for: virtio is the fastest, and sata the one that every installer has."""
    cdrom: bool = False
    """The guest sees a CD-ROM, for example an installer's ISO."""
    shared: bool = False
    """Several VMs use the disk at once, and their file system or database is made for that."""
    keep: bool = True
    """Neither `destroy`, nor a removed entry, nor another source deletes it. With false, all of these do."""

    @model_validator(mode="after")
    def _new_or_existing(self) -> Self:
        made = [key for key, value in self._making().items() if value is not None]
        if self.claim is not None and made:
            refuse(
                f"has claim and {' and '.join(made)}",
                "an existing claim is used as it is",
                f"remove claim, or {' and '.join(made)}",
            )
        if self.claim is None and self.size is None:
            refuse("has no size", "a new disk has one", "write e.g. size: 20Gi, or claim: NAME for an existing claim")
        return self

    def _making(self) -> dict[str, object]:
        """Keys that a new disk alone has, with their values."""
        return {"size": self.size, "from": self.from_, "class": self.class_, "mode": self.mode}

    @property
    def source(self) -> DiskSourceSpec:
        """What a new disk is filled from."""
        return self.from_ or BLANK
