"""Machines get what their class says, before anything else looks at them."""

from collections.abc import Mapping, MutableMapping
from difflib import get_close_matches
from typing import Any

from pydantic import Field, ValidationError

from . import faults
from .faults import Fault, sentence
from .machine import MachineClass
from .types import ByName, Model, Name

# Merged by key: a machine adds to them. Any other key of its own replaces the class's.
_BY_KEY = ("labels", "taints", "location", "expects", "install", "bmc", "sysctls", "modules", "volumes")


class _Classes(Model):
    classes: ByName[Name, MachineClass] = Field(default={}, validate_default=True)


def resolve(raw: MutableMapping[str, Any]) -> tuple[list[Fault], frozenset[str]]:
    """Puts into each machine what its class says. Changes raw.

    Yields the faults of the classes, each told once and not once a machine, and the machines whose class can't be
    used: what they lack is no fault of theirs.
    """
    found = _faulty(raw)
    broken = {fault.path[1] for fault in found if len(fault.path) > 1}
    if any(len(fault.path) < 2 for fault in found):
        raw["classes"] = {}
    classes: Any = {name: shared for name, shared in raw.get("classes", {}).items() if str(name) not in broken}
    raw["classes"] = classes
    hollow: set[str] = set()
    machines = raw.get("machines")
    for name, machine in machines.items() if isinstance(machines, Mapping) else ():
        wanted = machine.get("class") if isinstance(machine, MutableMapping) else None
        if not isinstance(wanted, str):
            continue  # Whatever else stands there is told by the model.
        if wanted in classes:
            machines[name] = merged(classes[wanted], machine)
            continue
        hollow.add(str(name))
        if wanted not in broken:
            found.append(Fault(("machines", str(name), "class"), _unknown(wanted, [*map(str, classes), *broken])))
    return found, frozenset(hollow)


def merged(shared: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """One machine: its class's keys, its own over them."""
    made = {**shared, **own}
    for key in _BY_KEY:
        if isinstance(shared.get(key), Mapping) and isinstance(own.get(key), Mapping):
            made[key] = {**shared[key], **own[key]}
    if isinstance(shared.get("nics"), Mapping) and isinstance(own.get("nics"), Mapping):
        made["nics"] = _deep(shared["nics"], own["nics"])
    if isinstance(shared.get("patches"), list) and isinstance(own.get("patches"), list):
        made["patches"] = [*shared["patches"], *own["patches"]]
    return made


def _deep(shared: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """By key at every depth: a class says what a VLAN is, and a machine its address in it."""
    both = {
        key: _deep(shared[key], own[key])
        for key in shared
        if isinstance(shared[key], Mapping) and isinstance(own.get(key), Mapping)
    }
    return {**shared, **own, **both}


def _faulty(raw: Mapping[str, Any]) -> list[Fault]:
    if "classes" not in raw:
        return []
    try:
        _Classes.model_validate({"classes": raw["classes"]})
    except ValidationError as error:
        return faults.of(error, _Classes)
    return []


def _unknown(wanted: str, known: list[str]) -> str:
    near = get_close_matches(wanted, known, n=1)
    there = f"there are {', '.join(sorted(known))}" if known else "there is none: write classes: {…}"
    shown = repr(wanted) if len(wanted) <= 63 else "this text"
    return sentence(
        f"{shown} is not one of classes:",
        "the machine would lack what the class gives",
        f"did you mean {near[0]}?" if near else there,
    )
