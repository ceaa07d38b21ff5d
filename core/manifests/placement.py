"""Where a virtual machine runs, and the probes of its guest, as fields of its spec."""

from collections.abc import Iterable
from typing import Any

from core.model import Platform, VirtualMachineSpec
from core.model.placement import ProbeSpec
from core.model.placing import node_selector, taints_of

APART, TOGETHER = "bedplate/apart", "bedplate/together"
"""Labels of a VM's instance: the groups that it belongs to."""
_MACHINE = "kubernetes.io/hostname"
_ZONE = "topology.kubernetes.io/zone"
# A guest that starts slowly would be stopped before it has started.
_SECONDS_TO_START = 120


def placement(platform: Platform, vm: VirtualMachineSpec) -> dict[str, Any]:
    """Fields of a VM's spec that keep it on nodes of its architecture, of its class and with its networks.

    Empty where all nodes are alike. KubeVirt takes the architecture of its own API server where none is set.
    """
    selector = node_selector(platform, vm)
    if {machine.arch for machine in platform.machines.values()} == {"amd64"}:
        return {"nodeSelector": selector} if selector else {}
    arch = vm.arch or platform.vm_architectures[0]
    return {"architecture": arch, "nodeSelector": {"kubernetes.io/arch": arch, **selector}}


def group_labels(vm: VirtualMachineSpec) -> dict[str, str]:
    """Labels of a VM's instance, by key: its groups."""
    groups = {APART: vm.place.apart, TOGETHER: vm.place.together}
    return {label: group for label, group in groups.items() if group is not None}


def spread(platform: Platform, vm: VirtualMachineSpec) -> dict[str, Any]:
    """Fields of a VM's spec that keep it from others, near to others, and on machines with taints."""
    place = vm.place
    affinity: dict[str, Any] = {}
    fields: dict[str, Any] = {}
    if place.apart is not None:
        rule = {"requiredDuringSchedulingIgnoredDuringExecution": [_term(APART, place.apart)]}
        affinity["podAntiAffinity"] = rule
    if place.together is not None:
        # Required, a drain could move none of the group, because each would wait for the others.
        term = {"weight": 100, "podAffinityTerm": _term(TOGETHER, place.together)}
        affinity["podAffinity"] = {"preferredDuringSchedulingIgnoredDuringExecution": [term]}
    if affinity:
        fields["affinity"] = affinity
    if place.zones:
        fields["topologySpreadConstraints"] = [
            {
                "maxSkew": 1,
                "topologyKey": _ZONE,
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": {APART: place.apart}},
            }
        ]
    taints = taints_of(platform, place.class_) if place.class_ is not None else {}
    return {**fields, **({"tolerations": tolerations(taints.items())} if taints else {})}


def tolerations(taints: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Tolerations of taints: each a key, and value:effect or the effect alone."""
    made = []
    for key, text in taints:
        value, _, effect = text.rpartition(":")
        made.append({"key": key, "operator": "Equal", "value": value, "effect": effect})
    return made


def _term(label: str, group: str) -> dict[str, Any]:
    selector = {"matchLabels": {label: group}}
    # An empty selector of namespaces means all of them.
    return {"labelSelector": selector, "namespaceSelector": {}, "topologyKey": _MACHINE}


def probes(vm: VirtualMachineSpec) -> dict[str, Any]:
    """Fields of a VM's spec by which Kubernetes asks the guest."""
    ready, alive = vm.probes.ready, vm.probes.alive
    return {
        **({"readinessProbe": _probe(ready, 0)} if ready else {}),
        **({"livenessProbe": _probe(alive, _SECONDS_TO_START)} if alive else {}),
    }


def _probe(spec: ProbeSpec, after: int) -> dict[str, Any]:
    way: dict[str, Any] = {"guestAgentPing": {}}
    if spec.tcp is not None:
        way = {"tcpSocket": {"port": spec.tcp}}
    elif spec.http is not None:
        way = {"httpGet": {"port": spec.http.port, "path": spec.http.path}}
    delay = after if spec.after is None else spec.after
    times = {"periodSeconds": spec.every, "failureThreshold": spec.failures, "timeoutSeconds": min(spec.every, 10)}
    return {**way, **times, **({"initialDelaySeconds": delay} if delay else {})}
