"""Which virtual machines a machine's drain stops, and which keep it from ending."""

from collections.abc import Mapping
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
    found: dict[str, tuple[Held, ...]] = {}
    for machine in machines:
        held = (_held(name, vm, machine, machines, stuck) for name, vm in vms.items())
        if those := tuple(each for each in held if each):
            found[machine] = those
    return found


def _held(
    name: str, vm: Manifest, machine: str, machines: Mapping[str, Mapping[str, str]], stuck: Mapping[str, str]
) -> Held | None:
    spec = section(vm, "spec", "template", "spec")
    fitting = [each for each, labels in machines.items() if _fits(spec, labels)]
    if section(vm, "spec").get("runStrategy") == "Halted" or machine not in fitting:
        return None
    strategy = spec.get("evictionStrategy") or "None"
    if strategy == "External":
        return Held(name, True, "its eviction strategy leaves the move to another program")
    why = stuck.get(name) or ("" if len(fitting) > 1 else "no other machine may run it")
    if strategy == "None":
        return Held(name, False, why or "its eviction strategy is None")
    return Held(name, strategy == "LiveMigrate", why) if why else None


def _fits(spec: Manifest, labels: Mapping[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in section(spec, "nodeSelector").items())
