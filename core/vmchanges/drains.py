"""Which virtual machines keep a machine's drain from ending."""

from collections.abc import Iterable, Mapping
from typing import Any

from .fields import section

Manifest = Mapping[str, Any]


def blocking(
    vms: Mapping[str, Manifest], machines: Mapping[str, Mapping[str, str]], stuck: Iterable[str] = ()
) -> dict[str, dict[str, str]]:
    """Machine to the VMs that would block its drain while they run there, each with the reason.

    vms: name to VirtualMachine object. machines: those that run VMs, name to the labels of its node. stuck: VMs that
    can't move although their objects say nothing of it, such as those with a disk on one machine.

    KubeVirt refuses to evict a VM whose eviction strategy is LiveMigrate or External until it has moved. With None and
    LiveMigrateIfPossible it is shut down, and the drain goes on.
    """
    held = set(stuck)
    found: dict[str, dict[str, str]] = {}
    for machine, labels in machines.items():
        reasons = {name: _reason(name, vm, machine, labels, machines, held) for name, vm in vms.items()}
        found[machine] = {name: reason for name, reason in reasons.items() if reason}
    return {machine: reasons for machine, reasons in found.items() if reasons}


def _reason(
    name: str,
    vm: Manifest,
    machine: str,
    labels: Mapping[str, str],
    machines: Mapping[str, Mapping[str, str]],
    stuck: set[str],
) -> str:
    spec = section(vm, "spec", "template", "spec")
    if section(vm, "spec").get("runStrategy") == "Halted" or not _fits(spec, labels):
        return ""
    match spec.get("evictionStrategy"):
        case "External":
            return "its eviction strategy leaves the move to another program"
        case "LiveMigrate":
            others = [each for other, each in machines.items() if other != machine and _fits(spec, each)]
            if name in stuck:
                return "it can't be migrated"
            return "" if others else "no other machine may run it"
    return ""


def _fits(spec: Manifest, labels: Mapping[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in section(spec, "nodeSelector").items())
