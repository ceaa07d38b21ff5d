"""What the next `up` does to each virtual machine, and what a drain of each machine comes to for them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from core.machineconfig.node import node_settings
from core.manifests.disk import can_grow, data_volume
from core.manifests.kubevirt import kubevirt
from core.manifests.objects import LABEL
from core.manifests.virtual_machine import virtual_machine
from core.model import Platform
from core.model.claims import claims, stays_because
from core.model.copies import unready
from core.native.kubernetes import VM_DISK
from core.state import unwrap_secret
from core.vmchanges import Cause, Disk, Effect, Held, Hypervisor, change, drains
from core.vmchanges.hypervisor import DEFAULT

from .spans import spans

_VM = "kubernetes:kubevirt.io/v1:VirtualMachine"
_DISK = "kubernetes:cdi.kubevirt.io/v1beta1:DataVolume"

Resources = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class GuestChange:
    """What the next `up` does to one virtual machine. `--json` prints these fields; docs/day-two.md documents them."""

    vm: str
    namespace: str
    effect: str
    """One of the values of core.vmchanges.Effect."""
    causes: tuple[dict[str, str], ...] = field(default=())
    """Each field that changes, by its path: field, effect, why."""

    @property
    def changes(self) -> bool:
        """Whether anything of it changes."""
        return self.effect != Effect.NOTHING.value


def guests(platform: Platform, resources: Resources) -> list[GuestChange]:
    """The change of each VM of the stack file or the state, by name. resources: an export with plain secrets."""
    hypervisor = _hypervisor(platform)
    before, disks = _recorded(resources), _recorded_disks(resources)
    found = []
    for name in sorted({*before, *platform.vms}):
        old = before.get(name)
        new = virtual_machine(platform, name) if name in platform.vms else None
        verdict = change(
            old,
            new,
            hypervisor,
            migratable=_moves(old),
            disks_before=disks.get(name, ()),
            disks_after=[*_disks(platform, name)] if new else (),
        )
        namespace = str(((new or old) or {})["metadata"].get("namespace", ""))
        causes = tuple(_shown(cause) for cause in verdict.causes)
        found.append(GuestChange(name, namespace, verdict.effect.value, causes))
    return found


def drained(platform: Platform) -> dict[str, tuple[Held, ...]]:
    """Machine to the declared VMs that its drain stops or that keep it from ending, while they run there."""
    vms = {name: virtual_machine(platform, name) for name in platform.vms}
    machines = {name: _labels(platform, name) for name in platform.schedulable}
    reasons = {name: "; ".join(stays_because(platform, name)) for name in vms if platform.vms[name].disk}
    return drains(vms, machines, {name: reason for name, reason in reasons.items() if reason})


def table(changes: Sequence[GuestChange], held: Mapping[str, Sequence[Held]]) -> str:
    """For people: a line for each VM that changes, and beneath it each field; then what drains come to."""
    names = [f"{change.namespace}/{change.vm}" for change in changes]
    width = max(map(len, names), default=0)
    shown = []
    for name, each in zip(names, changes, strict=True):
        if each.causes:
            shown.append(f"VM {name:<{width}}  {each.effect}")
            shown += [f"   {'':<{width}}    {line}" for line in map(_line, each.causes)]
    return "\n".join([*shown, *_drain_lines(held)])


def _drain_lines(held: Mapping[str, Sequence[Held]]) -> Iterator[str]:
    """One line for each VM: its drain is the same on each machine, unless it may run on some only."""
    places: dict[Held, list[str]] = {}
    for machine, those in held.items():
        for each in those:
            places.setdefault(each, []).append(machine)
    for each, machines in sorted(places.items(), key=lambda item: (not item[0].blocks, item[0].vm)):
        effect = "blocks the drain" if each.blocks else "is stopped by the drain"
        yield f"VM {each.vm} {effect} of its machine ({spans(machines)}): {each.why}"


def _line(cause: Mapping[str, str]) -> str:
    why = f" ({cause['why']})" if cause["why"] else ""
    return f"{cause['field']}: {cause['effect']}{why}"


def _shown(cause: Cause) -> dict[str, str]:
    return {"field": cause.field, "effect": cause.effect.value, "why": cause.why}


def _recorded(resources: Resources) -> dict[str, Mapping[str, Any]]:
    """VM to its object as the last `up` left it."""
    return {name: inputs for name, inputs, _ in _of(resources, _VM)}


def _recorded_disks(resources: Resources) -> dict[str, list[Disk]]:
    """VM to its disks as the last `up` left them."""
    found: dict[str, list[Disk]] = {}
    sizes = _sizes(resources)
    for name, inputs, resource in _of(resources, _DISK):
        disk = Disk(inputs, bool(resource.get("retainOnDelete")), protected=bool(resource.get("protect")))
        size = sizes.get(disk.key)
        found.setdefault(name, []).append(_sized(disk, size) if size else disk)
    return found


def _sizes(resources: Resources) -> dict[tuple[str, str], str]:
    """The size of each claim, which the DataVolume does not say once the claim has grown."""
    of = [unwrap_secret(resource.get("inputs") or {}) for resource in resources if resource["type"] == VM_DISK.token]
    return {(str(each.get("namespace")), str(each.get("claim"))): str(each["size"]) for each in of if each.get("size")}


def _sized(disk: Disk, size: str) -> Disk:
    spec = disk.manifest["spec"]
    storage = {**spec.get("storage", {}), "resources": {"requests": {"storage": size}}}
    return replace(disk, manifest={**disk.manifest, "spec": {**spec, "storage": storage}})


def _of(resources: Resources, kind: str) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """The objects of a type: the VM that each belongs to, its fields, and its resource."""
    for resource in resources:
        if resource["type"] == kind and not resource.get("delete"):
            inputs = unwrap_secret(resource.get("inputs") or {})
            about = inputs.get("metadata") or {}
            # The provider records fields of its own, such as __defaults.
            plain = _without_own(
                {**inputs, "metadata": {key: about.get(key) for key in ("name", "namespace", "labels")}}
            )
            name = str((about.get("labels") or {}).get(LABEL) or about.get("name"))
            yield name, plain, resource


def _without_own(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_own(inner) for key, inner in value.items() if not str(key).startswith("__")}
    return [_without_own(inner) for inner in value] if isinstance(value, list) else value


def _disks(platform: Platform, name: str) -> Iterator[Disk]:
    for claim in claims(platform, name):
        if claim.is_made:
            unready_because = unready(platform, claim) or ""
            yield Disk(data_volume(claim), claim.spec.keep, can_grow(platform, claim), unready=unready_because)


def _hypervisor(platform: Platform) -> Hypervisor:
    return Hypervisor.of(kubevirt(platform), platform.kubevirt.version) if platform.kubevirt else DEFAULT


def _moves(vm: Mapping[str, Any] | None) -> bool:
    """Whether a running VM can move to another node: its eviction strategy was chosen by that."""
    spec = ((vm or {}).get("spec") or {}).get("template", {}).get("spec", {})
    return bool(spec.get("evictionStrategy") == "LiveMigrate")


def _labels(platform: Platform, machine: str) -> dict[str, str]:
    """Labels of a machine's node by which VMs are placed."""
    own = {"kubernetes.io/arch": platform.machines[machine].arch, "kubernetes.io/hostname": machine}
    return {**own, **node_settings(platform, machine).labels}
