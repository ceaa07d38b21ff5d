"""Links of a running guest: which of their changes are applied to it."""

from collections.abc import Iterator, Mapping
from typing import Any

from .fields import differing, named, section
from .hypervisor import Hypervisor
from .verdict import Cause, Effect

LINKS = "spec.template.spec.domain.devices.interfaces"
NETWORKS = "spec.template.spec.networks"
# Source: kubevirt/kubevirt v1.8.4, pkg/network/controllers/vm.go, applyDynamicIfaceRequestOnVMI.
_PLUGGABLE = ("bridge", "sriov")

Spec = Mapping[str, Any]


def changes(old: Spec, new: Spec, hypervisor: Hypervisor, migratable: bool) -> Iterator[Cause]:
    """The effect of changed links and networks on a running VM. old, new: spec.template.spec.

    Source: kubevirt/kubevirt v1.8.4, pkg/network/vmliveupdate/restart.go and pkg/network/controllers/vm.go.
    """
    before, after = _links(old), _links(new)
    networks_before, networks_after = named(old.get("networks")), named(new.get("networks"))
    for name in [*before, *(name for name in after if name not in before)]:
        if name not in after:
            yield Cause(f"{LINKS}[{name}]", Effect.RESTART_NEEDED, "a link is taken out with state: absent")
        elif name not in before:
            yield _added(name, after[name], networks_after.get(name) or {}, migratable)
        else:
            yield from _changed(name, before[name], after[name], migratable)
    for name in networks_before:
        was, wanted = networks_before[name], networks_after.get(name)
        if was != wanted:
            yield from _moved(name, was, wanted, hypervisor, migratable)


def _added(name: str, link: Mapping[str, Any], network: Mapping[str, Any], migratable: bool) -> Cause:
    path = f"{LINKS}[{name}]"
    if "pod" in network or not any(key in link for key in _PLUGGABLE):
        return Cause(path, Effect.RESTART_NEEDED, "only bridges and SR-IOV links of other networks can be added live")
    if link.get("state") == "absent":
        return Cause(path, Effect.AT_START)
    if not migratable:
        why = "a link is added by a live migration, and this VM can't be migrated"
        return Cause(path, Effect.RESTART_NEEDED, why)
    return Cause(path, Effect.MIGRATES)


def _changed(name: str, was: Mapping[str, Any], wanted: Mapping[str, Any], migratable: bool) -> Iterator[Cause]:
    path = f"{LINKS}[{name}]"
    fields = [field for field in differing(was, wanted, path) if field != f"{path}.state"]
    yield from (Cause(field, Effect.RESTART_NEEDED, "a link's settings are those of the start") for field in fields)
    before, after = was.get("state") or "", wanted.get("state") or ""
    if before == after:
        return
    if before == "absent":
        yield Cause(f"{path}.state", Effect.RESTART_NEEDED, "a link that was taken out comes back at a start")
    else:
        # The guest loses it at once, and its pod by a migration.
        away = after == "absent" and migratable
        yield Cause(f"{path}.state", Effect.MIGRATES if away else Effect.LIVE)


def _moved(
    name: str, was: Mapping[str, Any], wanted: Mapping[str, Any] | None, hypervisor: Hypervisor, migratable: bool
) -> Iterator[Cause]:
    path = f"{NETWORKS}[{name}]"
    if wanted is None:
        yield Cause(path, Effect.RESTART_NEEDED, "a network is taken out with its link's state: absent")
        return
    fields = [*differing(was, wanted, path)]
    if fields != [f"{path}.multus.networkName"]:
        why = "a link stays in its kind of network while the guest runs"
    elif not hypervisor.renames_networks:
        why = "KubeVirt moves links of a running guest only with the feature gate LiveUpdateNADRef"
    elif not migratable:
        why = "a link moves by a live migration, and this VM can't be migrated"
    else:
        yield Cause(fields[0], Effect.MIGRATES)
        return
    yield from (Cause(field, Effect.RESTART_NEEDED, why) for field in fields)


def _links(spec: Spec) -> dict[str, Any]:
    return named(section(spec, "domain", "devices").get("interfaces"))
