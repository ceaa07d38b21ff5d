"""Disks that are copies of claims: of which, and whether CDI can begin."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from core.facts.quantities import mebibytes

from .claims import Claim, claims

if TYPE_CHECKING:
    from .platform import Platform

Key = tuple[str, str]
"""The namespace and the name of a claim."""


def copied(disk: Claim) -> Key | None:
    """The claim that a new disk is a copy of; None for any other source."""
    of = disk.spec.source.claim if disk.is_made else None
    return (of.namespace or disk.namespace, of.name) if of else None


def unready(platform: "Platform", disk: Claim) -> str | None:
    """Why CDI could not fill a new disk with what the stack file has: one sentence with its remedy; None if it can.

    It holds for a disk that is to be made, and not for one that was filled before its source changed.
    """
    image = platform.golden.get(disk.spec.source.image or "") if disk.is_made else None
    if image is not None and mebibytes(image.size) > mebibytes(disk.spec.size or "0Mi"):
        return (
            f"is to have {disk.spec.size}, and image {disk.spec.source.image}, which it is a copy of, has "
            f"{image.size}; its end would be missing, so CDI does not begin; write size: {image.size} or more"
        )
    key = copied(disk)
    sources = [] if key is None else [each for each in _users(platform, key) if each.vm != disk.vm]
    smaller = next((each for each in sources if each.is_made and _larger(each, disk)), None)
    if smaller is not None:
        size = smaller.spec.size
        return (
            f"is to have {disk.spec.size}, and claim {smaller.name}, which it is a copy of, has {size}; its end would "
            f"be missing, so CDI does not begin; write size: {size} or more"
        )
    runs = next((each.vm for each in sources if platform.vms[each.vm].starts), None)
    if runs is not None:
        return (
            f"is a copy of claim {sources[0].name}, with which VM {runs} runs; CDI copies no disk that is in use; "
            f"write running: false for {runs} and run up, which makes the copy; then remove running"
        )
    return None


def _users(platform: "Platform", key: Key) -> Iterator[Claim]:
    """Each disk of a VM of the stack file that is this claim."""
    for name in platform.vms:
        yield from (each for each in claims(platform, name) if (each.namespace, each.name) == key)


def _larger(source: Claim, disk: Claim) -> bool:
    return mebibytes(source.spec.size or "0Mi") > mebibytes(disk.spec.size or "0Mi")


def made(platform: "Platform") -> Mapping[Key, Claim]:
    """New disks by the namespace and the name of their claims."""
    every = (each for name in platform.vms for each in claims(platform, name))
    return {(each.namespace, each.name): each for each in every if each.is_made}
