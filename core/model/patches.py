"""Where the stack file has its patches of machine config: for all machines, in a class, or for one machine."""

from collections.abc import Iterator, Mapping
from typing import Any

from .platform import Platform

Place = tuple[str, ...]
"""Keys from the platform down to one patch: ("talos", "patches", "0")."""
Patch = Mapping[str, Any]


def patches_of(platform: Platform, machine: str) -> Iterator[tuple[Place, Patch]]:
    """The patches of one machine with their places, in the order in which they are merged."""
    for number, patch in enumerate(platform.talos.patches):
        yield ("talos", "patches", str(number)), patch
    spec = platform.machines[machine]
    shared = platform.classes[spec.class_].patches if spec.class_ and spec.class_ in platform.classes else ()
    for number, patch in enumerate(spec.patches):
        if number < len(shared):
            yield ("classes", str(spec.class_), "patches", str(number)), patch
        else:
            yield ("machines", machine, "patches", str(number - len(shared))), patch


def all_patches(platform: Platform) -> Iterator[tuple[Place, Patch]]:
    """Every patch of the stack file, once, with its place."""
    seen: set[Place] = set()
    for number, patch in enumerate(platform.talos.patches):
        shared: Place = ("talos", "patches", str(number))
        seen.add(shared)
        yield shared, patch
    for machine in platform.machines:
        for place, patch in patches_of(platform, machine):
            if place not in seen:
                seen.add(place)
                yield place, patch


def spelled(place: Place) -> str:
    """A place as messages name it: platform.talos.patches[2]."""
    parts = [f"[{part}]" if part.isdigit() else f".{part}" for part in place]
    return "platform" + "".join(parts)
