"""A class that no machine uses is judged too, as far as it means the same for every machine."""

import pytest
from conftest import changed, stack_platform

from core.effective.faults import faults as of_patches
from core.model import Platform, StackFileError, parse


def judged(shared: dict, **edits) -> list[str]:
    """Every fault of prod with a class that no machine uses, from its path on."""
    raw = changed(stack_platform("prod"), {"classes": {"spare": shared}, **edits})
    try:
        return [f"{each.where}: {each.text}" for each in of_patches(parse(raw))]
    except StackFileError as error:
        return [f"{each.where}: {each.text}" for each in error.faults]


@pytest.mark.parametrize(
    ("shared", "path", "what"),
    [
        ({"sysctls": {"kernel.kptr_restrict": "0"}}, "sysctls.kernel.kptr_restrict", "'0' weakens"),
        ({"sysctls": {"net.ipv4.ip_forward": "0"}}, "sysctls.net.ipv4.ip_forward", "'0' breaks the pod network"),
        ({"labels": {"kubernetes.io/hostname": "a"}}, "labels.kubernetes.io/hostname", "kubernetes.io/hostname is set"),
        ({"schematic": {"kernel_args": ["mitigations=off"]}}, "schematic.kernel_args.0", "mitigations=off disables"),
        (
            {"arch": "amd64", "schematic": {"overlay": {"name": "rpi_generic", "image": "siderolabs/sbc-raspberrypi"}}},
            "schematic.overlay",
            "is for an ARM board, but an amd64 machine of class spare is amd64",
        ),
        (
            {"patches": [{"machine": {"sysctls": {"kernel.kptr_restrict": "0"}}}]},
            "patches.0.machine.sysctls.kernel.kptr_restrict",
            "'0' weakens",
        ),
        ({"patches": [{"machine": {"sysctl": {}}}]}, "patches.0.machine.sysctl", "is not a field that Talos 1.14 has"),
        (
            {"role": "worker", "patches": [{"cluster": {"apiServer": {"extraArgs": {"v": "3"}}}}]},
            "patches.0.cluster.apiServer",
            "is read on control planes alone",
        ),
    ],
)
def test_a_fault_of_an_unused_class_is_reported_once_at_the_class(shared, path, what):
    [said] = judged(shared)
    assert said.startswith(f"platform.classes.spare.{path}: {what}")


def test_mounts_that_the_contract_has_not_are_a_fault_of_an_unused_class_too():
    [said] = judged({"kubelet_mounts": {"/var/lib/longhorn": {}}}, **{"talos.contract": "v1.14"})
    assert said.startswith("platform.classes.spare.kubelet_mounts: is set, but contract v1.14 has no mounts")


@pytest.mark.parametrize(
    "shared",
    [
        {"schematic": {"overlay": {"name": "rpi_generic", "image": "siderolabs/sbc-raspberrypi"}}},
        {"modules": {"zfs": []}},
        {"nics": {"vlans": {"storage": {"id": 7, "parent": "data0"}}}},
        {"patches": [{"cluster": {"apiServer": {"extraArgs": {"v": "3"}}}}]},
        {"volumes": {"data": {"disk": {"model": "MZ7L3*"}}}},
        {"bmc": {"system": "1"}},
        {"role": "controlplane", "taints": {"a.example.com/b": "c:NoSchedule"}, "location": {"site": "north"}},
        {},
    ],
)
def test_what_a_machine_may_make_right_is_no_fault_of_an_unused_class(shared):
    """A machine may set the architecture, the extension, the parent or the role that its class leaves open."""
    assert judged(shared) == []


def test_a_class_is_judged_by_its_machines_where_it_has_some(prod):
    shared = {"sysctls": {"kernel.kptr_restrict": "0"}}
    entry = {"control": "KSPP", "reason": "profiling of this rack", "ticket": "OPS-1", "until": "2099-01-01"}
    excepted = {"exceptions": [{**entry, "machines": ["wk-1"]}], "machines.wk-1.class": "spare"}
    assert isinstance(parse(changed(prod, {"classes": {"spare": shared}, **excepted})), Platform)
    assert judged({"labels": {"kubernetes.io/hostname": "a"}}, **{"machines.wk-1.class": "spare"}) == judged(
        {"labels": {"kubernetes.io/hostname": "a"}}
    )
