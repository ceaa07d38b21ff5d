"""Which virtual machines of a dead machine start elsewhere, and which can't."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .cluster import Object, ready

# KubeVirt starts a VM with one of these again after its pod has failed. Source: KubeVirt user guide, Run Strategies.
_STARTED_AGAIN = ("Always", "RerunOnFailure")
_KEEPS_OUT = ("NoSchedule", "NoExecute")
# KubeVirt's virt-handler sets it to "true" on nodes that can run VMs.
_SCHEDULABLE = "kubevirt.io/schedulable"
_OPERATORS: Mapping[str, Callable[[str | None, Sequence[str]], bool]] = {
    "In": lambda has, values: has in values,
    "NotIn": lambda has, values: has not in values,
    "Exists": lambda has, values: has is not None,
    "DoesNotExist": lambda has, values: has is None,
    "Gt": lambda has, values: _number(has) > _number(values[0]),
    "Lt": lambda has, values: _number(has) < _number(values[0]),
}


@dataclass(frozen=True)
class Guest:
    """One virtual machine on the dead machine."""

    name: str
    """Its namespace, a slash, and its name."""
    stays: str
    """Why it does not start elsewhere; empty if it does."""


def guests(
    instances: Sequence[Object],
    machines: Mapping[tuple[str, str], Object],
    volumes: Mapping[tuple[str, str], Object],
    others: Mapping[str, Object],
) -> list[Guest]:
    """What becomes of each instance, by name.

    machines: VirtualMachines, volumes: PersistentVolumes by claim, both by namespace and name; others: the other Nodes.
    """
    found = []
    for instance in instances:
        key = str(instance["metadata"].get("namespace")), str(instance["metadata"]["name"])
        stays = "; ".join(_stays(instance, key, machines.get(key), volumes, others))
        found.append(Guest("/".join(key), stays))
    return sorted(found, key=lambda guest: guest.name)


def _stays(
    instance: Object,
    key: tuple[str, str],
    machine: Object | None,
    volumes: Mapping[tuple[str, str], Object],
    others: Mapping[str, Object],
) -> Iterator[str]:
    if machine is None:
        yield "no VirtualMachine owns it, so KubeVirt does not start it again"
    elif (strategy := _strategy(machine)) not in _STARTED_AGAIN:
        yield f"its run strategy is {strategy}: start it with virtctl start {key[1]} -n {key[0]}"
    spec = instance.get("spec") or {}
    places = {name: node for name, node in others.items() if _takes(node, spec)}
    if not places:
        yield "no other machine is Ready and takes it"
        return
    if not any(_selected(node, spec) for node in places.values()):
        yield "no other machine has the labels that it is placed by"
    for claim in _claims(spec):
        volume = volumes.get((key[0], claim))
        if volume and not any(_reaches(volume, name, node) for name, node in places.items()):
            yield f"its disk {claim} is on this machine only"


def _strategy(machine: Object) -> str:
    spec = machine.get("spec") or {}
    return str(spec.get("runStrategy") or ("Always" if spec.get("running") else "Halted"))


def _takes(node: Object, spec: Object) -> bool:
    """Whether a Node runs VMs, and has no taint that keeps this one out."""
    settings = node.get("spec") or {}
    if not ready(node) or settings.get("unschedulable") or _labels(node).get(_SCHEDULABLE) != "true":
        return False
    tolerated = {each.get("key") for each in spec.get("tolerations") or ()}
    taints = [each for each in settings.get("taints") or () if each.get("effect") in _KEEPS_OUT]
    return None in tolerated or all(each.get("key") in tolerated for each in taints)


def _selected(node: Object, spec: Object) -> bool:
    labels = _labels(node)
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = ((spec.get("affinity") or {}).get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    )
    return _matches(affinity, str(node["metadata"]["name"]), labels)


def _claims(spec: Object) -> Iterator[str]:
    """The claims of its disks."""
    for volume in spec.get("volumes") or ():
        of = {**volume, **(volume.get("ephemeral") or {})}
        claim = of.get("persistentVolumeClaim") or {}
        if name := claim.get("claimName") or (volume.get("dataVolume") or {}).get("name"):
            yield str(name)


def _reaches(volume: Object, name: str, node: Object) -> bool:
    required = ((volume.get("spec") or {}).get("nodeAffinity") or {}).get("required")
    return _matches(required, name, _labels(node))


def _matches(selector: Object | None, name: str, labels: Mapping[str, str]) -> bool:
    """Whether a node matches a NodeSelector: one of its terms, and there everything. No selector matches each."""
    if not selector:
        return True
    for term in selector.get("nodeSelectorTerms") or ():
        fields, expressions = term.get("matchFields") or (), term.get("matchExpressions") or ()
        if all(_holds(each, name) for each in fields) and all(
            _holds(each, labels.get(str(each.get("key")))) for each in expressions
        ):
            return True
    return False


def _holds(expression: Object, has: str | None) -> bool:
    operator = _OPERATORS.get(str(expression.get("operator")))
    return bool(operator and operator(has, expression.get("values") or ("",)))


def _labels(node: Object) -> Mapping[str, Any]:
    return node["metadata"].get("labels") or {}


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return float("nan")
