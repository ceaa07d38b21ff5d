"""Names of container images and of registries, as they appear in stack files."""

from dataclasses import dataclass
from typing import Annotated

from core.facts import images

from .pattern import Pattern


@dataclass(frozen=True)
class _Reference(Pattern):
    """A pattern of images' names, whose fault says which part is wrong."""

    pinned: bool = True
    """It names one image, and not a repository."""

    def _detail(self, value: str) -> str | None:
        return super()._detail(value) or images.fault(value, self.pinned)


ContainerImage = Annotated[
    str,
    _Reference(
        images.PINNED,
        "a pinned image reference",
        "a node that pulls the image again must get the same bytes",
        "write registry/name:tag, best with @sha256:…, and never :latest",
    ),
]

ImageRepository = Annotated[
    str,
    _Reference(
        images.REPOSITORY,
        "an image registry",
        "image names are appended to it",
        "write e.g. registry.example.com/kubevirt, without a tag or a slash at the end",
        pinned=False,
    ),
]

ComponentImage = Annotated[
    str,
    _Reference(
        images.UNTAGGED,
        "the name of an image",
        "the tag is always talos.kubernetes",
        "write e.g. registry.example.com/siderolabs/kubelet, without a tag or a digest",
        pinned=False,
    ),
]
"""The registry and the name of a component's image."""
