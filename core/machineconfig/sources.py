"""Everything that is merged into one machine's config, each document with where it comes from."""

from collections.abc import Iterator
from dataclasses import dataclass

from core.model import Platform
from core.model.patches import Place, spelled

from .base import base
from .documents import own_documents, plain
from .documents.document import Document
from .documents.reach import reaching


@dataclass(frozen=True)
class Source:
    """One document that is merged into a config."""

    document: Document
    origin: str
    """Where it comes from, as a report names it: the generator, Bedplate, or platform.talos.patches[2]."""
    place: Place = ()
    """The place of a patch in the stack file; empty for what Bedplate and the generator write."""


def sources(platform: Platform, name: str) -> Iterator[Source]:
    """The generator's base without the PKI, Bedplate's documents, then the stack file's patches."""
    yield from base_sources(platform, name)
    yield from own_sources(platform, name)
    yield from patch_sources(platform, name)


def base_sources(platform: Platform, name: str) -> Iterator[Source]:
    """What Talos' generator writes for the machine, without the PKI."""
    generator = f"the default of Talos' generator of contract {platform.talos.contract}"
    for document in base(platform, platform.machines[name].role):
        yield Source(plain(document), generator)


def own_sources(platform: Platform, name: str) -> Iterator[Source]:
    """Bedplate's documents for the machine."""
    for document in own_documents(platform, name):
        yield Source(plain(document), "Bedplate, from the stack file's other keys")


def patch_sources(platform: Platform, name: str) -> Iterator[Source]:
    """The patches of the stack file that reach the machine."""
    for place, patch in reaching(platform, name):
        yield Source(plain(patch), spelled(place), place)
