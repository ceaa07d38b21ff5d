"""Which virtual machines a machine's drain stops, and which keep it from ending."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from .fields import section

Manifest = Mapping[str, Any]
_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Held:
    """What the drain of a machine comes to for one VM while it runs there."""

    vm: str
    blocks: bool
    """The drain does not end before the VM has moved or is stopped. Otherwise the drain stops the VM."""
    why: str


def drains(
    vms: Mapping[str, Manifest], machines: Mapping[str, Mapping[str, str]], stuck: Mapping[str, str] = _NONE
) -> dict[str, tuple[Held, ...]]:
    """Machine to the VMs that its drain does not move, while they run there.

    vms: name to VirtualMachine object. machines: those that run VMs, name to the labels of its node. stuck: VMs that
    can't move, with the reason. KubeVirt refuses to evict a VM whose eviction strategy is LiveMigrate or External until
    it has moved. With None or LiveMigrateIfPossible it is shut down, and the drain goes on.
    """
    places = {name: _places(vm, machines) for name, vm in vms.items()}
    held = {name: each for name, vm in vms.items() if (each := _held(name, vm, places[name], stuck))}
    found = {machine: tuple(each for name, each in held.items() if machine in places[name]) for machine in machines}
    return {machine: those for machine, those in found.items() if those}


def _held(name: str, vm: Manifest, places: Collection[str], stuck: Mapping[str, str]) -> Held | None:
    """What the drain of any of its places comes to for a VM; None where the VM moves or does not run."""
    if section(vm, "spec").get("runStrategy") == "Halted":
        return None
    strategy = section(vm, "spec", "template", "spec").get("evictionStrategy") or "None"
    if strategy == "External":
        return Held(name, True, "its eviction strategy leaves the move to another program")
    why = stuck.get(name) or ("" if len(places) > 1 else "no other machine may run it")
    if strategy == "None":
        return Held(name, False, why or "its eviction strategy is None")
    return Held(name, strategy == "LiveMigrate", why) if why else None


def _places(vm: Manifest, machines: Mapping[str, Mapping[str, str]]) -> frozenset[str]:
    """The machines that may run a VM."""
    wanted = section(vm, "spec", "template", "spec", "nodeSelector").items()
    return frozenset(name for name, labels in machines.items() if wanted <= labels.items())
