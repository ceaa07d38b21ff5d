"""Golden images: where they are, and disks that are copies of them."""

from collections.abc import Iterator
from difflib import get_close_matches

from core.model.claims import claims
from core.model.faults import Fault, fault
from core.model.platform import Platform

from .registry import check
from .storage import unknown_class


@check("storage", "kubevirt")
def images_have_a_class(p: Platform) -> Iterator[Fault]:
    """The class of each image is named, and VMs run where there are images."""
    for name, each in p.golden.items():
        path = ("images", name)
        wanted = p.storage_class(each.class_)
        if p.kubevirt is None:
            yield fault(
                path,
                "is an image, but there is no section kubevirt",
                "disks of VMs alone are made from images",
                "write kubevirt: {version: …}, or remove images",
            )
        elif wanted is None and each.class_ is not None:
            yield unknown_class(p, (*path, "class"), each.class_)
        elif wanted is None:
            yield fault(
                path,
                "has no class, and storage has no default one",
                "the image has to be somewhere",
                "write storage: {local: {}} for the machines' own disks, or class: NAME",
            )
        elif wanted.modes and wanted.modes[0].volume == "Block" and not p.talos.block_volumes:
            yield fault(
                path,
                "is a block volume, and talos.block_volumes is false",
                "containers could not open it",
                "remove talos.block_volumes, or use a class with Filesystem",
            )


@check("images")
def named_images_exist(p: Platform) -> Iterator[Fault]:
    """Each image that a disk is a copy of is declared."""
    for name in p.vms:
        for each in claims(p, name):
            image = each.spec.source.image if each.is_made else None
            if image is None or image in p.golden:
                continue
            near = get_close_matches(image, p.golden, n=1)
            known = f"known images: {', '.join(p.golden)}" if p.golden else f"write images: {{{image}: {{…}}}}"
            yield fault(
                (*each.path, "from", "image"),
                f"there is no image {image!r}",
                "a disk is a copy of an image of the section images",
                f"did you mean {near[0]}?" if near else known,
            )


@check("images")
def images_are_pinned_or_followed(p: Platform) -> Iterator[Fault]:
    """An image of a registry has a digest, or refresh and none."""
    for name, each in p.golden.items():
        image = each.registry.image if each.registry else ""
        path = ("images", name, "registry", "image")
        if image and each.refresh is None and "@sha256:" not in image:
            yield fault(
                path,
                f"{image!r} has no digest" if len(image) <= 80 else "has no digest",
                "a tag can be moved, and disks would be others than those which were reviewed",
                "append @sha256: and the digest that `skopeo inspect docker://IMAGE` prints, or write refresh to "
                "follow the tag",
            )
        elif each.refresh is not None and "@" in image:
            yield fault(
                path,
                "has a digest, and the image has refresh",
                "a digest is one image for ever, so nothing newer would be found",
                "remove refresh, or the digest behind the tag",
            )
