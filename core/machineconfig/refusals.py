"""The patches of a stack file that Talos refuses to merge."""

from collections.abc import Iterator

from core.model import Platform
from core.model.patches import Place

from .merge import merge
from .sources import sources


def refused(platform: Platform) -> Iterator[tuple[Place, str]]:
    """Place and reason of each patch that Talos refuses, each place once.

    The reason holds no value of the patch. What Bedplate itself writes wrongly has the machine's place.
    """
    reported = set()
    for name in platform.machines:
        merged = list(sources(platform, name))
        for each in merge(source.document for source in merged).refused:
            place = merged[each.patch].place or ("machines", name)
            if place not in reported:
                yield place, each.problem
            reported.add(place)


def refusals(platform: Platform) -> Iterator[str]:
    """The same as one message each."""
    yield from (f"platform.{'.'.join(place)}: {problem}" for place, problem in refused(platform))
