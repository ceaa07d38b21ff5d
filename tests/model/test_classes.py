"""Keys that several machines have in common are written once, and every layer gets complete machines."""

import copy
import json

import pytest
from conftest import changed, run_program, stack_platform
from hypothesis import given
from strategies import platforms

from core.machineconfig.documents import patches
from core.model import StackFileError, parse

R640 = {
    "role": "worker",
    "link": "eno1",
    "install": {"disk": {"model": "MZ7L3480*", "size": "<= 480GB"}},
    "labels": {"vendor": "dell", "disk": "ssd"},
    "taints": {"dedicated": "vms:NoSchedule"},
    "location": {"site": "fra1", "zone": "rack"},
    "patches": [{"machine": {"sysctls": {"vm.swappiness": "1"}}}],
}


@pytest.fixture
def classed(prod):
    """prod with an additional worker that has a class."""
    own = {
        "class": "r640",
        "address": "10.20.0.31",
        "mac": "0c:c4:7a:00:03:01",
        "labels": {"disk": "nvme"},
        "location": {"rack": "r12", "unit": 7},
        "patches": [{"machine": {"sysctls": {"vm.swappiness": "10"}}}],
    }
    return changed(prod, {"classes": {"r640": R640}, "machines.wk-9": own})


def test_a_machines_own_keys_win_and_mappings_are_merged(classed):
    machine = parse(classed).machines["wk-9"]
    assert (machine.role, machine.link) == ("worker", "eno1")
    assert dict(machine.labels) == {"vendor": "dell", "disk": "nvme"}
    assert dict(machine.taints) == {"dedicated": "vms:NoSchedule"}
    over = parse(changed(classed, {"machines.wk-9.link": "eno9"})).machines["wk-9"]
    assert over.link == "eno9"
    assert (machine.location.site, machine.location.rack, machine.location.unit) == ("fra1", "r12", 7)


def test_a_machines_own_disk_replaces_the_classs_whole(classed):
    """All properties of a selector must match, so a mixture of two selectors would match no disk."""
    machine = parse(changed(classed, {"machines.wk-9.install": {"disk": {"serial": "OWN"}}})).machines["wk-9"]
    assert machine.install.disk.model_dump(exclude_none=True) == {"serial": "OWN"}


def test_a_class_says_how_its_bmcs_are_and_each_machine_where_its_own_is(classed):
    # A TPM wants UEFI, and the disks of prod are sealed to it.
    raw = changed(
        classed,
        {"talos.disk_encryption": "none", "classes.r640.bmc": {"system": "System.Embedded.1", "boot_mode": "legacy"}},
    )
    own = changed(raw, {"machines.wk-9.bmc": {"url": "https://wk-9.bmc.example.com"}})
    bmc = parse(own).machines["wk-9"].bmc
    assert (bmc.url, bmc.system, bmc.boot_mode) == ("https://wk-9.bmc.example.com", "System.Embedded.1", "legacy")
    over = parse(changed(own, {"machines.wk-9.bmc.boot_mode": "uefi"})).machines["wk-9"].bmc
    renewed = parse(changed(own, {"classes.r640.bmc.accept_change": {"ca": "AB:" * 31 + "AB"}})).machines["wk-9"].bmc
    assert renewed.accept_change.ca == "ab" * 32
    assert (over.system, over.boot_mode) == ("System.Embedded.1", "uefi")
    assert parse(changed(raw, {"machines.wk-9.bmc": "null!"})).machines["wk-9"].bmc is None
    assert refused(raw) == [
        "platform.machines.wk-9.bmc.url: is missing; it is required and has no default; "
        "write url: https://bmc-1.example.com"
    ]


def test_a_machines_patches_come_after_its_classs(classed):
    last = [json.loads(p) for p in patches(parse(classed), "wk-9")][-2:]
    assert [p["machine"]["sysctls"]["vm.swappiness"] for p in last] == ["1", "10"]


def test_what_a_class_says_reaches_what_the_machine_is_given(classed):
    documents = [json.loads(p) for p in patches(parse(classed), "wk-9")]
    machine: dict = {}
    for document in documents:
        machine |= document.get("machine", {})
    assert machine["install"]["diskSelector"] == R640["install"]["disk"]
    assert machine["nodeLabels"] == {
        "vendor": "dell",
        "disk": "nvme",
        "topology.kubernetes.io/region": "fra1",
        "topology.kubernetes.io/zone": "r12",
    }
    assert machine["nodeAnnotations"] == {
        "bedplate/boot-mac": "0c:c4:7a:00:03:01",
        "bedplate/site": "fra1",
        "bedplate/rack": "r12",
        "bedplate/unit": "7",
    }


def test_the_site_is_the_zone_where_that_is_asked_for_and_no_label_where_nothing_is(classed):
    assert parse(changed(classed, {"machines.wk-9.location.zone": "site"})).machines["wk-9"].location.labels == {
        "topology.kubernetes.io/zone": "fra1"
    }
    assert parse(changed(classed, {"machines.wk-9.location.zone": "null!"})).machines["wk-9"].location.labels == {}


def test_the_hardwares_identity_is_marked_on_the_node(dev):
    raw = changed(
        dev, {"machines.cp-1.uuid": "4C4C4544-0042-3510-8052-B4C04F564433", "machines.cp-1.serial": "CZJ2340ABC"}
    )
    (marks,) = [
        m for p in patches(parse(raw), "cp-1") if (m := json.loads(p).get("machine", {}).get("nodeAnnotations"))
    ]
    assert (marks["bedplate/uuid"], marks["bedplate/serial"]) == ("4c4c4544-0042-3510-8052-b4c04f564433", "CZJ2340ABC")


def test_a_class_that_no_machine_has_changes_nothing(dev):
    """A rack may be emptied and filled again; a misspelt class is reported at the machine that names it."""
    assert run_program(changed(dev, {"classes": {"r640": R640}})).inputs() == run_program(dev).inputs()


@given(platforms())
def test_machines_of_a_class_are_what_they_are_when_written_out(raw):
    out = copy.deepcopy(raw)
    shared = {
        key: value
        for key, value in next(iter(raw["machines"].values())).items()
        if key in ("role", "labels", "taints", "link")
    }
    for machine in out["machines"].values():
        if all(machine.get(key) == value for key, value in shared.items()):
            machine["class"] = "same"
            for key in shared:
                del machine[key]
    whole, classed = parse(raw), parse({**out, "classes": {"same": shared}})
    assert {n: m.model_dump(exclude={"class_"}) for n, m in classed.machines.items()} == {
        n: m.model_dump(exclude={"class_"}) for n, m in whole.machines.items()
    }


def refused(raw):
    with pytest.raises(StackFileError) as refusal:
        parse(raw)
    return [str(fault) for fault in refusal.value.faults]


def test_a_fault_of_a_class_is_told_once_and_no_machine_is_blamed(classed):
    """Keys that its machines lack without the class are not reported either."""
    more = changed(
        classed,
        {
            "machines.wk-8": {"class": "r640", "address": "10.20.0.32", "mac": "0c:c4:7a:00:03:02"},
            "classes.r640.role": "wroker",
        },
    )
    assert refused(more) == [
        "platform.classes.r640.role: 'wroker' is not one of the allowed values; no other value has a meaning here; "
        "write one of 'controlplane' or 'worker'"
    ]


def test_faults_of_classes_and_of_machines_are_told_at_once(classed):
    bad = changed(
        classed,
        {
            "classes.r640.labels": {"a b": "c"},
            "machines.wk-9.mac": "x",
            "machines.wk-1.address": "y",
            "classes.empty": 5,
            "name": None,
        },
    )
    assert [line.split(": ")[0] for line in refused(bad)] == [
        "platform.classes.empty",
        "platform.classes.r640.labels.a b",
        "platform.machines.wk-1.address",
        "platform.machines.wk-9.mac",
        "platform.name",
    ]


@pytest.mark.parametrize(
    "classes", [None, 5, "text", [], {"": {}}, {"a": None}, {5: {"role": "worker"}}, {"a": {"patches": 1}}]
)
def test_no_classes_whatever_make_anything_but_a_refusal(classes, dev):
    """The machine that names such a class is not reported for its missing keys."""
    raw = {**changed(dev, {"machines.cp-1.class": "a"}), "classes": classes}
    assert all(
        line.startswith(("platform.classes", "platform.machines.cp-1.class: 'a' is not one of classes:"))
        for line in refused(raw)
    )


def test_resolving_leaves_its_input_alone():
    raw = changed(stack_platform("dev"), {"classes": {"r": {"labels": {"a": "b"}}}, "machines.cp-1.class": "r"})
    before = copy.deepcopy(raw)
    parse(raw)
    assert raw == before
