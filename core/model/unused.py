"""Classes that no machine uses: what is wrong with them is reported before a machine gets it from them."""

from collections.abc import Callable, Iterable, Mapping
from itertools import product
from typing import Literal, get_args

from .faults import Fault
from .machine import MachineClassSpec, MachineSpec
from .platform import Platform
from .types import Architecture

# What these set means the same for every machine. The others need what a machine adds, such as the parent of a VLAN or
# the extension with a module, so a class alone is neither right nor wrong.
_ALONE = ("labels", "taints", "sysctls", "kubelet_mounts", "schematic", "containerd", "patches")
Role = Literal["controlplane", "worker"]


def faults_of_unused(platform: Platform, judge: Callable[[Platform], Iterable[Fault]]) -> list[Fault]:
    """What a judge says of classes without machines, each fault once.

    It judges a machine of each class for each role and architecture that the class leaves open: only what is wrong with
    all of them is wrong with the class.
    """
    used = {machine.class_ for machine in platform.declared.values()}
    unused = {name: shared for name, shared in platform.classes.items() if name not in used}
    if not platform.declared:
        return []
    found: dict[str, list[list[Fault]]] = {name: [] for name in unused}
    for role, arch in product(get_args(Role), get_args(Architecture)):
        classes = {n: s for n, s in unused.items() if s.role in (None, role) and s.arch in (None, arch)}
        faults = list(dict.fromkeys(judge(_with_machines(platform, classes, role, arch)))) if classes else []
        for name in classes:
            found[name].append([each for each in faults if each.path[:2] == ("classes", name)])
    return [each for first, *others in found.values() for each in first if all(each in other for other in others)]


def _with_machines(
    platform: Platform, classes: Mapping[str, MachineClassSpec], role: Role, arch: Architecture
) -> Platform:
    """The platform with one machine for each of the classes.

    Of the other machines, whose faults are known, it has the control planes alone. What a class can't set is that of
    another machine, and the name is for messages.
    """
    model = next(iter(platform.declared.values()))
    machines = {name: platform.declared[name] for name in platform.controlplanes}
    for name, shared in classes.items():
        given = {key: getattr(shared, key) for key in _ALONE if key in shared.model_fields_set}
        machines[f"an {arch} machine of class {name}"] = MachineSpec.model_construct(
            **given, class_=name, role=role, arch=arch, address=model.address, install=model.install
        )
    rest = {key: getattr(platform, key) for key in Platform.model_fields if key != "declared"}
    return Platform.model_construct(platform.model_fields_set, **rest, declared=machines)
