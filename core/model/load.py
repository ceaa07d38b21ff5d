"""From a stack's config to a platform, or to every reason why not."""

import copy
from collections.abc import Mapping, MutableMapping
from datetime import date
from typing import Any

from pydantic import ValidationError

from . import classes, exceptions, faults
from .checks import leaving
from .checks import platform as checks
from .checks import talos as talos_checks
from .faults import Fault, StackFileError
from .machine import MachineClass
from .model import Platform

# Those of a topic register themselves where they are imported.
_TOPICS = (leaving, talos_checks)


def parse(raw: Any, today: date | None = None) -> Platform:
    """The platform that a stack file describes, on a day: recorded exceptions end. On no day, none has.

    Raises StackFileError with all its faults at once: fields first, then what no single field can know, for as much
    of the file as is right in itself.
    """
    if not isinstance(raw, Mapping):
        text = faults.sentence(
            "is not a mapping", "it describes the whole platform", "see Pulumi.dev.yaml for a small one"
        )
        raise StackFileError([Fault((), text)])
    rest: Any = copy.deepcopy(dict(raw))
    new: list[Fault] = []
    found, hollow = classes.resolve(rest)
    broken = {fault.path[0] for fault in found}
    # Each round leaves out what was wrong, or puts the documented example where something must stand, so that
    # the rest can still be checked. Checks that would look at such a section are told that it is broken.
    for _ in range(8):
        try:
            platform = Platform.model_validate(rest)
        except ValidationError as error:
            new = faults.of(error, Platform)
            # What is missing only because an earlier round left it out is no fault of the file, nor is what
            # would be said of a section whose misspelt key was taken away.
            held = {f.path[:-1] for f in found if f.surplus}
            found += [
                f
                for f in new
                if f.path not in held and not _left_out(f, broken, raw) and not _given_by_a_class(f, hollow)
            ]
            broken |= {f.path[0] for f in new if f.path and not f.surplus}
            # Two faults of one entry are one thing to leave out.
            if not all([_leave_out(rest, path) or _stand_in(rest, path) for path in {_entry(f) for f in new}]):
                break
        else:
            found += [f for f in checks.faults(platform, frozenset(broken)) if not _given_by_a_class(f, hollow)]
            if "machines" not in broken:
                found += exceptions.faults(platform.exceptions, frozenset(platform.declared), today)
            if not found:
                return platform
            break
    raise StackFileError(found or new)


def _left_out(fault: Fault, broken: set[str], raw: Mapping[str, Any]) -> bool:
    at: Any = raw
    for part in fault.path:
        at = at.get(part) if isinstance(at, Mapping) else None
    return bool(fault.path) and fault.path[0] in broken and at is not None and fault.absent


def _given_by_a_class(fault: Fault, hollow: frozenset[str]) -> bool:
    """Whether a machine lacks what its class, which can't be used, may well give."""
    match fault.path:
        case ("machines", name, key, *_):
            return name in hollow and key in MachineClass.model_fields and fault.absent
    return False


def _entry(fault: Fault) -> tuple[str, ...]:
    """What is left out for a fault: a machine or a VM as a whole, elsewhere the key itself."""
    path = fault.path
    if fault.surplus:
        return path
    if path[:1] in {("machines",), ("vms",), ("workloads",)}:
        return path[:2]
    # A list is left out as a whole: its entries have no names.
    return next((path[:i] for i, part in enumerate(path) if part.isdigit()), path)


def _leave_out(raw: MutableMapping[str, Any], path: tuple[str, ...]) -> bool:
    """Removes what stands at the path. False where nothing stands there."""
    parent: Any = raw
    for part in path[:-1]:
        parent = parent.get(part) if isinstance(parent, MutableMapping) else None
    if not isinstance(parent, MutableMapping) or not path or path[-1] not in parent:
        return False
    del parent[path[-1]]
    return True


def _stand_in(raw: MutableMapping[str, Any], path: tuple[str, ...]) -> bool:
    """Puts the example of a missing field in its place. False where there is no place or no example."""
    parent: Any = raw
    for part in path[:-1]:
        parent = parent.get(part) if isinstance(parent, MutableMapping) else None
    example = faults.example(Platform, path)
    if not isinstance(parent, MutableMapping) or example is None:
        return False
    parent[path[-1]] = example
    return True
