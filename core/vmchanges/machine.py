"""What a change of a VirtualMachine object does to the VM that runs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from . import capacity, disks, links, volumes
from .disks import Disk
from .fields import differing, section
from .hypervisor import DEFAULT, Hypervisor
from .verdict import Cause, Effect, Verdict

Manifest = Mapping[str, Any]
_TEMPLATE = "spec.template.spec"
# Source: kubevirt/kubevirt v1.8.4, pkg/virt-controller/watch/vm/vm.go, syncRestartRequired: KubeVirt writes these into
# the running instance. They are read again when it moves.
_AT_ONCE = ("nodeSelector", "affinity", "tolerations")
_HALTED = "Halted"
# Source: the same, pkg/virt-config/virt-config.go, DefaultAMD64MachineType: written into objects that name none.
_MACHINE = {"type": "q35"}


def change(
    old: Manifest | None,
    new: Manifest | None,
    hypervisor: Hypervisor = DEFAULT,
    *,
    migratable: bool | None = None,
    disks_before: Sequence[Disk] = (),
    disks_after: Sequence[Disk] = (),
    restarts: bool = False,
) -> Verdict:
    """The verdict of a change from one VirtualMachine object to another; None: it is made, or removed.

    hypervisor: KubeVirt's settings. migratable: whether the running VM can move to another node; None: as its eviction
    strategy says. disks_before, disks_after: its disks. restarts: whether a restart that is needed is done.

    Source: kubevirt/kubevirt v1.8.4, pkg/virt-controller/watch/vm/vm.go.
    """
    of_disks = [*disks.changes(disks_before, disks_after, hypervisor)]
    if old is None and new is not None:
        refused = [cause for cause in of_disks if cause.effect is Effect.REFUSED]
        return Verdict.of([Cause("metadata.name", Effect.MADE), *refused])
    if old is None:
        return Verdict.of(of_disks)
    if new is None:
        return Verdict.of([Cause("metadata.name", Effect.REMOVED, "it is no longer declared"), *of_disks])
    if _identity(old) != _identity(new):
        return Verdict.of([*_replaced(old, new), *map(_replaced_with, of_disks)])
    can_move = section(old, "spec", "template", "spec").get("evictionStrategy") == "LiveMigrate"
    causes = [*_causes(old, new, hypervisor, can_move if migratable is None else migratable)]
    return Verdict.of([*(_restarted(cause) if restarts else cause for cause in causes), *of_disks])


def _identity(manifest: Manifest) -> tuple[Any, Any]:
    return manifest["metadata"].get("namespace"), manifest["metadata"].get("name")


def _replaced(old: Manifest, new: Manifest) -> Iterator[Cause]:
    for field in ("namespace", "name"):
        if old["metadata"].get(field) != new["metadata"].get(field):
            yield Cause(f"metadata.{field}", Effect.REPLACED, f"an object can't get another {field}")


def _replaced_with(cause: Cause) -> Cause:
    """What becomes of a disk, said of its VM that is replaced."""
    effects = {Effect.REMOVED: Effect.REPLACED, Effect.REMOVED_WITH_DISK: Effect.REPLACED_WITH_DISK}
    return replace(cause, effect=effects.get(cause.effect, cause.effect))


def _restarted(cause: Cause) -> Cause:
    return replace(cause, effect=Effect.RESTARTS) if cause.effect is Effect.RESTART_NEEDED else cause


def _causes(old: Manifest, new: Manifest, hypervisor: Hypervisor, migratable: bool) -> Iterator[Cause]:
    was, wanted = (_strategy(manifest) for manifest in (old, new))
    if was != wanted:
        effect = Effect.STOPS if wanted == _HALTED else Effect.STARTS if was == _HALTED else Effect.LIVE
        yield Cause("spec.runStrategy", effect)
    for field in _outside(old, new):
        yield Cause(field, Effect.LIVE)
    if was == _HALTED or wanted == _HALTED:
        inside = differing(section(old, "spec", "template"), section(new, "spec", "template"), "spec.template")
        yield from (Cause(field, Effect.AT_START) for field in inside)
    else:
        yield from _running(old["spec"], new["spec"], hypervisor, migratable)


def _strategy(manifest: Manifest) -> str:
    return str(section(manifest, "spec").get("runStrategy") or _HALTED)


def _outside(old: Manifest, new: Manifest) -> Iterator[str]:
    """Fields of the object that say nothing of the running instance."""
    for part in ("labels", "annotations"):
        yield from differing(section(old, "metadata", part), section(new, "metadata", part), f"metadata.{part}")
    before, after = ({**manifest["spec"], "template": None, "runStrategy": None} for manifest in (old, new))
    yield from differing(before, after, "spec")


def _running(old: Manifest, new: Manifest, hypervisor: Hypervisor, migratable: bool) -> Iterator[Cause]:
    before, after = section(old, "template", "spec"), section(new, "template", "spec")
    yield from capacity.processors(before, after, hypervisor, migratable) if hypervisor.live else ()
    yield from capacity.memory(before, after, hypervisor, migratable) if hypervisor.live else ()
    yield from links.changes(before, after, hypervisor, migratable)
    yield from volumes.changes(old, new, hypervisor, migratable)
    if hypervisor.live:
        for key in _AT_ONCE:
            yield from (Cause(f, Effect.LIVE) for f in differing(before.get(key), after.get(key), f"{_TEMPLATE}.{key}"))
    for field in differing(_rest(before, hypervisor.live), _rest(after, hypervisor.live), _TEMPLATE):
        yield Cause(field, Effect.RESTART_NEEDED, "a running guest keeps what it was started with")
    about = [section(spec, "template", "metadata") for spec in (old, new)]
    for field in differing(about[0], about[1], "spec.template.metadata"):
        yield Cause(field, Effect.RESTART_NEEDED, "a running guest keeps the labels and annotations of its start")


def _rest(spec: Manifest, live: bool) -> dict[str, Any]:
    """The spec of the instance without what has rules of its own."""
    rest = {
        key: value for key, value in spec.items() if key not in ("networks", "volumes", *(_AT_ONCE if live else ()))
    }
    domain = dict(spec.get("domain") or {})
    if spec.get("architecture", "amd64") == "amd64":
        domain["machine"] = domain.get("machine") or _MACHINE
    devices = {k: v for k, v in (domain.get("devices") or {}).items() if k not in ("interfaces", "disks")}
    domain["devices"] = devices
    if live and domain.get("cpu") is not None:
        domain["cpu"] = {key: value for key, value in domain["cpu"].items() if key != "sockets"}
    if live and domain.get("memory") is not None:
        domain["memory"] = {key: value for key, value in domain["memory"].items() if key != "guest"}
    return {**rest, "domain": domain}
