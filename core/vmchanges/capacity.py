"""Processors and memory of a running guest: what can be added to it."""

from collections.abc import Iterator, Mapping
from typing import Any

from core.facts.quantities import mebibytes

from .fields import section
from .hypervisor import Hypervisor
from .verdict import Cause, Effect

_DOMAIN = "spec.template.spec.domain"
SOCKETS = f"{_DOMAIN}.cpu.sockets"
GUEST = f"{_DOMAIN}.memory.guest"
# Source: kubevirt/kubevirt v1.8.4, pkg/defaults/defaults.go, setupCPUHotplug.
_MOST_CPUS = 512
# Source: the same, pkg/liveupdate/memory/memory.go, in mebibytes.
_LEAST_GROWING, _STEP, _STEP_OF_GIGABYTE_PAGES = 1024, 2, 1024

Spec = Mapping[str, Any]


def processors(old: Spec, new: Spec, hypervisor: Hypervisor, migratable: bool) -> Iterator[Cause]:
    """The effect of another number of sockets on a running VM. old, new: spec.template.spec.

    Source: kubevirt/kubevirt v1.8.4, pkg/virt-controller/watch/vm/vm.go, handleCPUChangeRequest.
    """
    before, after = section(old, "domain", "cpu"), section(new, "domain", "cpu")
    was, wanted = _sockets(before), _sockets(after)
    if was == wanted:
        return
    most = most_sockets(before, hypervisor)
    if wanted > most:
        why = f"the guest was started with room for {most} sockets"
    elif wanted < was:
        why = "sockets can't be taken from a running guest"
    elif new.get("architecture", "amd64") == "arm64":
        why = "guests for ARM can't get sockets while they run"
    elif not migratable:
        why = "sockets are added by a live migration, and this VM can't be migrated"
    else:
        yield Cause(SOCKETS, Effect.MIGRATES)
        return
    yield Cause(SOCKETS, Effect.RESTART_NEEDED, why)


def memory(old: Spec, new: Spec, hypervisor: Hypervisor, migratable: bool) -> Iterator[Cause]:
    """The effect of another size of memory on a running VM. old, new: spec.template.spec.

    Source: kubevirt/kubevirt v1.8.4, pkg/virt-controller/watch/vm/vm.go, handleMemoryHotplugRequest.
    """
    was, wanted = (section(spec, "domain", "memory").get("guest") for spec in (old, new))
    if not was or not wanted or mebibytes(was) == mebibytes(wanted):
        return
    why = _unaddable(old, new, hypervisor, migratable)
    yield Cause(GUEST, Effect.RESTART_NEEDED, why) if why else Cause(GUEST, Effect.MIGRATES)


def _unaddable(old: Spec, new: Spec, hypervisor: Hypervisor, migratable: bool) -> str:
    was, wanted = (section(spec, "domain", "memory")["guest"] for spec in (old, new))
    if not migratable:
        return "memory is added by a live migration, and this VM can't be migrated"
    if why := _fixed(old, was) or _fixed(new, wanted):
        return why
    most = most_memory(old, hypervisor)
    if mebibytes(wanted) > most:
        return f"the guest was started with room for {most}Mi"
    if mebibytes(wanted) < mebibytes(was):
        return "memory below that of the guest's start can't be taken from it"
    return ""


def _fixed(spec: Spec, guest: str) -> str:
    """Why the memory of such a guest can't grow; empty if it can."""
    domain = section(spec, "domain")
    if spec.get("architecture", "amd64") != "amd64":
        return "only guests for amd64 can get memory while they run"
    if (
        section(domain, "cpu").get("realtime") is not None
        or section(domain, "cpu", "numa").get("guestMappingPassthrough") is not None
    ):
        return "guests with real time or with the machine's memory layout can't get memory while they run"
    if domain.get("launchSecurity"):
        return "encrypted guests can't get memory while they run"
    if mebibytes(guest) < _LEAST_GROWING:
        return "guests with less than 1Gi can't get memory while they run"
    step = _STEP_OF_GIGABYTE_PAGES if section(domain, "memory", "hugepages").get("pageSize") == "1Gi" else _STEP
    return f"memory is added in blocks of {step}Mi" if mebibytes(guest) % step else ""


def most_sockets(cpu: Mapping[str, Any], hypervisor: Hypervisor) -> int:
    """The number of sockets that a guest has room for, which is decided when it starts."""
    if cpu.get("maxSockets"):
        return int(cpu["maxSockets"])
    sockets = _sockets(cpu)
    if hypervisor.most_sockets:
        return max(hypervisor.most_sockets, sockets)
    each = int(cpu.get("cores") or 1) * int(cpu.get("threads") or 1)
    most = sockets * hypervisor.ratio
    return max(_MOST_CPUS // each, sockets) if most * each > _MOST_CPUS else most


def most_memory(spec: Spec, hypervisor: Hypervisor) -> int:
    """The memory in MiB that a guest has room for, which is decided when it starts."""
    given = section(spec, "domain", "memory")
    if most := given.get("maxGuest") or hypervisor.most_memory:
        return mebibytes(most)
    return mebibytes(given["guest"]) * hypervisor.ratio


def _sockets(cpu: Mapping[str, Any]) -> int:
    """The sockets that KubeVirt counts. It counts none where cores or threads alone are given, and leaves no room."""
    return int(cpu.get("sockets") or (0 if cpu.get("cores") or cpu.get("threads") else 1))
