"""A fault of what a class sets is reported once, at the class, and one of a machine's own keys at the machine."""

from datetime import date

import pytest
import yaml
from conftest import changed

from core.loading import stackfile
from core.model import StackFileError, parse
from core.model.origins import origin

BOTH = {"machines.wk-1.class": "rack", "machines.wk-2.class": "rack"}
SWITCH = {"sw0": {"mtu": 1500}, "sw1": {"mtu": 1500}}
STORAGE = {"id": 7, "parent": "eth9", "routes": [{"to": "10.77.0.0/16", "via": "10.78.0.1"}]}


def refused(raw) -> list[str]:
    with pytest.raises(StackFileError) as found:
        parse(raw)
    return [fault.where.removeprefix("platform.") for fault in found.value.faults]


@pytest.mark.parametrize(
    ("shared", "paths"),
    [
        ({"sysctls": {"kernel.kptr_restrict": "0"}}, ["sysctls.kernel.kptr_restrict"]),
        ({"sysctls": {"net.ipv4.ip_forward": "0"}}, ["sysctls.net.ipv4.ip_forward"]),
        ({"sysctls": {"vm.overcommit_memory": "2"}}, ["sysctls.vm.overcommit_memory"]),
        ({"modules": {"zfs": []}}, ["modules.zfs"]),
        ({"kubelet_mounts": {"/var/lib/longhorn": {}}}, ["kubelet_mounts"]),
        ({"labels": {"kubernetes.io/hostname": "a"}}, ["labels.kubernetes.io/hostname"]),
        ({"nics": {"links": SWITCH, "bridges": {"br0": {"links": ["sw0", "sw1"]}}}}, ["nics.bridges.br0.stp"]),
        ({"nics": {"vlans": {"storage": STORAGE}}}, ["nics.vlans.storage.parent", "nics.vlans.storage.routes.0.via"]),
        ({"schematic": {"kernel_args": ["mitigations=off"]}}, ["schematic.kernel_args.0"]),
    ],
)
def test_a_fault_of_a_class_is_reported_once_and_one_of_each_machine_at_each(prod, shared, paths):
    prod = changed(prod, {"talos.contract": "v1.14", "machines.wk-3": None})
    in_class = changed(prod, {**BOTH, "classes": {"rack": shared}})
    assert refused(in_class) == [f"classes.rack.{path}" for path in paths]
    own = {f"machines.{name}.{key}": value for name in ("wk-1", "wk-2") for key, value in shared.items()}
    written_out = changed(prod, own)
    assert refused(written_out) == [f"machines.{name}.{path}" for name in ("wk-1", "wk-2") for path in paths]


def test_a_machine_with_another_value_has_a_fault_of_its_own(prod):
    raw = changed(prod, {**BOTH, "classes": {"rack": {"labels": {"kubernetes.io/hostname": "a"}}}})
    key = "labels.kubernetes.io/hostname"
    own = changed(raw, {"machines.wk-2.labels": {"kubernetes.io/hostname": "b"}})
    assert refused(own) == [f"classes.rack.{key}", f"machines.wk-2.{key}"]


def test_a_fault_that_one_machine_of_a_class_has_names_that_machine(prod):
    """The class's VLAN is right for the machine whose boot link has the name that the class expects."""
    raw = changed(prod, {**BOTH, "classes": {"rack": {"nics": {"vlans": {"storage": {"id": 7, "parent": "lan0"}}}}}})
    assert parse(raw)
    assert refused(changed(raw, {"machines.wk-1.link": "eno1"})) == ["machines.wk-1.nics.vlans.storage.parent"]


def test_a_recorded_exception_of_every_machine_of_a_class_covers_the_class(prod):
    raw = changed(prod, {**BOTH, "classes": {"rack": {"sysctls": {"kernel.kptr_restrict": "0"}}}})
    entry = {"control": "KSPP", "reason": "kernel profiling of this rack", "ticket": "OPS-1", "until": "2099-01-01"}
    assert refused(changed(raw, {"exceptions": [{**entry, "machines": ["wk-1"]}]})) == [
        "classes.rack.sysctls.kernel.kptr_restrict"
    ]
    assert parse(changed(raw, {"exceptions": [{**entry, "machines": ["wk-1", "wk-2"]}]}))


def test_the_module_of_a_class_names_every_machine_that_lacks_it(prod):
    raw = changed(
        prod,
        {**BOTH, "classes": {"rack": {"modules": {"zfs": []}, "schematic": {"extensions": ["siderolabs/gvisor"]}}}},
    )
    with pytest.raises(StackFileError) as found:
        parse(raw)
    [fault] = found.value.faults
    assert "the schematic of wk-1, wk-2 lacks" in fault.text


def test_the_origin_of_a_value_is_where_it_is_set(prod):
    shared = {
        "sysctls": {"vm.swappiness": "1", "vm.max_map_count": "2"},
        "expects": {"threads": 8},
        "patches": [{"machine": {"sysctls": {"a": "1"}}}],
    }
    own = {
        "machines.wk-1.sysctls": {"vm.swappiness": "9", "vm.dirty_ratio": "5"},
        "machines.wk-1.patches": [{"machine": {"sysctls": {"b": "1"}}}],
    }
    platform = parse(changed(prod, {**BOTH, "classes": {"rack": shared}, **own}))

    def key(*path: str) -> str:
        return ".".join(origin(platform, ("machines", "wk-1", *path))[:2])

    assert key("sysctls", "vm.max_map_count") == key("expects", "threads") == "classes.rack"
    for path in (("sysctls", "vm.swappiness"), ("sysctls", "vm.dirty_ratio"), ("sysctls",), ("bmc", "url")):
        assert key(*path) == "machines.wk-1", path
    assert key("link") == key("sysctls", "vm.none") == key("patches", "0") == key("address") == "machines.wk-1"
    assert origin(platform, ("network", "nodes")) == ("network", "nodes")


def test_the_line_of_a_classs_fault_is_that_of_the_class(tmp_path, prod):
    raw = changed(prod, {**BOTH, "classes": {"rack": {"sysctls": {"kernel.kptr_restrict": "0"}}}})
    text = yaml.safe_dump({"config": {"bedplate:platform": raw}}, sort_keys=False)
    (tmp_path / "Pulumi.x.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(StackFileError) as found:
        stackfile.load(tmp_path / "Pulumi.x.yaml", root=tmp_path, today=date(2026, 11, 1))
    [fault] = found.value.faults
    line = next(number for number, each in enumerate(text.splitlines(), 1) if "kernel.kptr_restrict" in each)
    assert str(fault).startswith(f"Pulumi.x.yaml:{line}: platform.classes.rack.sysctls.kernel.kptr_restrict: ")
