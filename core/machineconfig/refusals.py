"""The patches of a stack file that Talos refuses to merge."""

from collections.abc import Iterator

from core.model import Platform

from .documents import documents, plain
from .merge import merge


def refusals(platform: Platform) -> Iterator[str]:
    """A message for each patch that Talos refuses, at most one for each machine and one for each patch of all machines.

    It names the patch's place in the stack file and holds no value of it.
    """
    reported = set()
    for name in platform.machines:
        patches = documents(platform, name)
        for refused in merge(map(plain, patches)).refused:
            place = _place(platform, name, refused.patch - len(patches))
            if place not in reported:
                yield f"platform.{place}: {refused.problem}"
            reported.add(place)


def _place(platform: Platform, name: str, from_end: int) -> str:
    """The place in the stack file of a machine's patch, counted from the end (-1 is the last)."""
    shared, own = len(platform.talos.patches), len(platform.machines[name].patches)
    if from_end >= -own:
        return f"machines.{name}.patches.{from_end + own}"
    if from_end >= -own - shared:
        return f"talos.patches.{from_end + own + shared}"
    return f"machines.{name}"
