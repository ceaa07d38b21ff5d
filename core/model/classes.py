"""Machines take over the keys of their class, before anything else reads them."""

from collections.abc import Mapping, MutableMapping
from difflib import get_close_matches
from typing import Any

from pydantic import Field, ValidationError

from .faults import Fault, fault
from .machine import MachineClassSpec
from .types import ByName, Model, Name
from .wording import faults_of

# Merged by key: a machine adds to them. Any other key of a machine replaces its class's.
_BY_KEY = (
    "labels",
    "taints",
    "location",
    "expects",
    "install",
    "bmc",
    "sysctls",
    "modules",
    "volumes",
    "kubelet_mounts",
)


class _Classes(Model):
    classes: ByName[Name, MachineClassSpec] = Field(default={}, validate_default=True)


def resolve(raw: MutableMapping[str, Any]) -> tuple[list[Fault], frozenset[str]]:
    """Put the keys of its class into each machine. Changes `raw`.

    Returns the faults of the classes, each reported once and not once per machine, and the names of the machines
    whose class can't be used: keys that such a machine lacks are not reported.
    """
    faults = _faults(raw)
    broken = {fault.path[1] for fault in faults if len(fault.path) > 1}
    if any(len(fault.path) < 2 for fault in faults):
        raw["classes"] = {}
    classes: Any = {name: shared for name, shared in raw.get("classes", {}).items() if str(name) not in broken}
    raw["classes"] = classes
    unresolved: set[str] = set()
    machines: Any = raw.get("machines")
    for name, machine in machines.items() if isinstance(machines, Mapping) else ():
        wanted = machine.get("class") if isinstance(machine, MutableMapping) else None
        if not isinstance(wanted, str):
            continue  # The model reports any other value.
        if wanted in classes:
            machines[name] = merged(classes[wanted], machine)
            continue
        unresolved.add(str(name))
        if wanted not in broken:
            faults.append(_unknown(str(name), wanted, [*map(str, classes), *broken]))
    return faults, frozenset(unresolved)


def merged(shared: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """One machine's keys and values: its class's, with its own over them."""
    machine = {**shared, **own}
    for key in _BY_KEY:
        if isinstance(shared.get(key), Mapping) and isinstance(own.get(key), Mapping):
            machine[key] = {**shared[key], **own[key]}
    if isinstance(shared.get("schematic"), Mapping) and isinstance(own.get("schematic"), Mapping):
        machine["schematic"] = _schematic(shared["schematic"], own["schematic"])
    for key in ("nics", "containerd"):
        if isinstance(shared.get(key), Mapping) and isinstance(own.get(key), Mapping):
            machine[key] = _deep(shared[key], own[key])
    if isinstance(shared.get("patches"), list) and isinstance(own.get("patches"), list):
        machine["patches"] = [*shared["patches"], *own["patches"]]
    return machine


def _schematic(shared: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Merged by key, except that an id replaces contents, and contents replace an id."""
    if "id" in own:
        return dict(own)
    return {**{key: value for key, value in shared.items() if key != "id" or not own}, **own}


def _deep(shared: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Merged by key at every depth: a class defines a VLAN, and each machine adds its address in it."""
    both = {
        key: _deep(shared[key], own[key])
        for key in shared
        if isinstance(shared[key], Mapping) and isinstance(own.get(key), Mapping)
    }
    return {**shared, **own, **both}


def _faults(raw: Mapping[str, Any]) -> list[Fault]:
    if "classes" not in raw:
        return []
    try:
        _Classes.model_validate({"classes": raw["classes"]})
    except ValidationError as error:
        return faults_of(error, _Classes)
    return []


def _unknown(machine: str, wanted: str, known: list[str]) -> Fault:
    near = get_close_matches(wanted, known, n=1)
    instead = f"write one of {', '.join(sorted(known))}" if known else "define it under classes:"
    return fault(
        ("machines", machine, "class"),
        f"{repr(wanted) if len(wanted) <= 63 else 'this text'} is not one of classes:",
        "the machine would lack the keys of its class",
        f"did you mean {near[0]}?" if near else instead,
    )
