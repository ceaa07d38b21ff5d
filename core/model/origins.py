"""Where the stack file sets what a machine has: in the machine itself, or in its class."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from .faults import Fault
from .machine import MachineSpec
from .platform import Platform
from .types import Model

Path = tuple[str, ...]


def origin(platform: Platform, path: Path) -> Path:
    """The path at which the stack file sets the value at a path of a machine: that of its class, or the same path.

    Patches are not merged by key, so each has its own place: see `core.model.patches`.
    """
    match path:
        case ("machines", name, key, *rest) if key != "patches" and name in platform.declared:
            machine = platform.declared[name]
            shared = platform.classes.get(machine.class_ or "")
            if shared is not None and _is_shared(machine, shared, (key, *rest)):
                return ("classes", str(machine.class_), key, *rest)
    return path


def in_their_classes(platform: Platform, faults: Iterable[Fault]) -> list[Fault]:
    """Faults between sections, each once: one that every machine has from its class is the class's."""
    found = list(faults)
    having: dict[tuple[Path, str], set[str]] = {}
    for each in found:
        if (at := origin(platform, each.path)) != each.path:
            having.setdefault((at, each.text), set()).add(each.path[1])
    members: dict[str | None, list[str]] = {}
    for name, machine in platform.machines.items():
        members.setdefault(machine.class_, []).append(name)
    of_class = {
        (at, text) for (at, text), names in having.items() if _heirs(platform, at, members.get(at[1], ())) <= names
    }
    placed = (
        replace(each, path=at) if ((at := origin(platform, each.path)), each.text) in of_class else each
        for each in found
    )
    return list(dict.fromkeys(placed))


def _heirs(platform: Platform, path: Path, members: Iterable[str]) -> set[str]:
    """Those of a class's machines that have the value at a path of the class from there."""
    return {name for name in members if origin(platform, ("machines", name, *path[2:])) == path}


def _is_shared(machine: MachineSpec, shared: Model, path: Path) -> bool:
    """Whether the class sets the value at a path, and the machine has the same.

    Of a value that is missing, what should contain it decides.
    """
    own: Any = machine
    theirs: Any = shared
    for depth, part in enumerate(path):
        inner = _inner(theirs, part)
        if inner is None:
            return depth > 0 and bool(own == theirs)
        own, theirs = _inner(own, part), inner
    return bool(own == theirs)


def _inner(value: Any, part: str) -> Any:
    """What a value sets at a key; None where it sets nothing there."""
    if isinstance(value, Model):
        return getattr(value, part) if part in value.model_fields_set else None
    if isinstance(value, Mapping):
        return value.get(part)
    if isinstance(value, list | tuple):
        return value[int(part)] if part.isdigit() and int(part) < len(value) else None
    return None
