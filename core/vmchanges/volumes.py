"""Volumes and disks of a running guest: which of their changes are applied to it."""

from collections.abc import Iterator, Mapping
from typing import Any

from .fields import named, section
from .hypervisor import Hypervisor
from .verdict import Cause, Effect

VOLUMES = "spec.template.spec.volumes"
DISKS = "spec.template.spec.domain.devices.disks"
_CLAIMS = ("persistentVolumeClaim", "dataVolume")

Spec = Mapping[str, Any]
Volume = Mapping[str, Any]


def changes(old: Spec, new: Spec, hypervisor: Hypervisor, migratable: bool) -> Iterator[Cause]:
    """The effect of changed volumes and disks on a running VM. old, new: the VM's spec.

    Source: kubevirt/kubevirt v1.8.4, pkg/virt-controller/watch/vm/vm.go, validLiveUpdateVolumes, validLiveUpdateDisks
    and handleVolumeUpdateRequest; pkg/storage/hotplug.
    """
    before, after = (named(section(spec, "template", "spec").get("volumes")) for spec in (old, new))
    moves = new.get("updateVolumesStrategy") == "Migration"
    disks = named(section(old, "template", "spec", "domain", "devices").get("disks"))
    for name in [*before, *(name for name in after if name not in before)]:
        was, wanted = before.get(name), after.get(name)
        if was != wanted:
            yield _volume(name, was, wanted, disks.get(name) or {}, moves, hypervisor, migratable)
    yield from _disks(old, new, before, after)


def _volume(
    name: str,
    was: Volume | None,
    wanted: Volume | None,
    disk: Mapping[str, Any],
    moves: bool,
    hypervisor: Hypervisor,
    migratable: bool,
) -> Cause:
    path = f"{VOLUMES}[{name}]"
    if moves and _claim(was) and _claim(wanted) and _claim(was) != _claim(wanted):
        return _moved(path, disk, migratable)
    if any(volume is not None and not hotplugged(volume) for volume in (was, wanted)):
        return Cause(path, Effect.RESTART_NEEDED, "only volumes that are marked hotpluggable change live")
    if moves:
        why = "KubeVirt attaches no volume while updateVolumesStrategy is Migration"
        return Cause(path, Effect.RESTART_NEEDED, why)
    if not hypervisor.attaches_volumes:
        why = "KubeVirt attaches volumes of the object only with the feature gate DeclarativeHotplugVolumes"
        return Cause(path, Effect.RESTART_NEEDED, why)
    return Cause(path, Effect.LIVE)


def _moved(path: str, disk: Mapping[str, Any], migratable: bool) -> Cause:
    if disk.get("shareable"):
        why = "a shared disk can't move to another volume live"
    elif "lun" in disk:
        why = "a LUN can't move to another volume live"
    elif not migratable:
        why = "a disk moves to another volume by a live migration, and this VM can't be migrated"
    else:
        return Cause(path, Effect.MIGRATES)
    return Cause(path, Effect.RESTART_NEEDED, why)


def _disks(
    old: Spec, new: Spec, volumes_before: Mapping[str, Any], volumes_after: Mapping[str, Any]
) -> Iterator[Cause]:
    before, after = (named(section(spec, "template", "spec", "domain", "devices").get("disks")) for spec in (old, new))
    for name, disk in after.items():
        path = f"{DISKS}[{name}]"
        if before.get(name) == disk or hotplugged(volumes_after.get(name)):
            continue
        yield Cause(path, Effect.RESTART_NEEDED, "only disks whose volumes are marked hotpluggable change live")
    for name, disk in before.items():
        if name in after:
            continue
        volume = volumes_before.get(name)
        if volume is not None and not hotplugged(volume):
            yield Cause(f"{DISKS}[{name}]", Effect.RESTART_NEEDED, "only disks that are marked hotpluggable go live")
        elif "cdrom" in disk:
            yield Cause(f"{DISKS}[{name}]", Effect.RESTART_NEEDED, "a CD-ROM drive is emptied live, and not removed")


def hotplugged(volume: Volume | None) -> bool:
    """Whether a volume may come and go while the guest runs."""
    return any(section(volume or {}, key).get("hotpluggable") is True for key in _CLAIMS)


def _claim(volume: Volume | None) -> str:
    claim = section(volume or {}, "persistentVolumeClaim").get("claimName")
    return str(claim or section(volume or {}, "dataVolume").get("name") or "")
