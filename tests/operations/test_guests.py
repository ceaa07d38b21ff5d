"""`changes`: what the next `up` does to each VM, and what drains come to for them."""

import json
from typing import Any

import pytest
from conftest import changed

from core.manifests.disk import data_volume
from core.manifests.objects import owned, token
from core.manifests.virtual_machine import virtual_machine
from core.model import Platform, parse
from core.model.claims import claims
from core.vmchanges import Disk, disks
from core.vmchanges.hypervisor import DEFAULT
from operations.drift import guests
from operations.drift.changes import as_json

CEPH = {"ceph": {"provisioner": "rook-ceph.rbd.csi.ceph.com", "default": True}}
IMAGE = {"url": "https://images.example.com/a.qcow2", "checksum": f"sha256:{'0' * 64}"}
LOOSE = {"size": "1Gi", "from": {"http": {**IMAGE}}, "keep": False}
WEB = {
    "disk": {"size": "20Gi", "from": {"http": IMAGE}},
    "disks": {"data": {"size": "100Gi"}, "cache": {"size": "5Gi", "keep": False}, "tools": LOOSE},
    "cpu": {"sockets": 2, "max": 8},
    "memory": {"size": "4Gi", "max": "16Gi"},
}  # fmt: skip
MADE_AGAIN = {"size": "1Gi", "keep": False, "from": {"upload": True}}
ERP = {"ephemeral": True, "image": "quay.io/containerdisks/fedora:42", "cpu": 2, "memory": "4Gi"}


@pytest.fixture
def raw(prod: dict[str, Any]) -> dict[str, Any]:
    return changed(prod, {"storage": {"classes": CEPH}, "vms": {"web": WEB, "erp": ERP}})


def state(platform: Platform) -> list[dict[str, Any]]:
    """An export right after an `up`."""
    made = []
    for name in platform.vms:
        disks = [(data_volume(claim), claim.spec.keep) for claim in claims(platform, name) if claim.is_made]
        for manifest, kept in [(virtual_machine(platform, name), False), *disks]:
            inputs = {**owned(manifest), "__defaults": []}
            one = {"type": token(manifest), "urn": f"x::vm-{name}", "inputs": inputs, "retainOnDelete": kept}
            made.append({**one, "protect": kept})
    return made


def look(raw: dict[str, Any], edits: dict[str, Any]) -> dict[str, guests.GuestChange]:
    found = guests.guests(parse(changed(raw, edits)), state(parse(raw)))
    return {each.vm: each for each in found}


def test_right_after_an_up_no_vm_changes(raw):
    assert {each.effect for each in look(raw, {}).values()} == {"nothing changes"}


@pytest.mark.parametrize(
    ("edits", "effect", "fields"),
    [
        ({"vms.web.cpu.sockets": 4}, "migrates", ["spec.template.spec.domain.cpu.sockets"]),
        ({"vms.web.memory.size": "8Gi"}, "migrates", ["spec.template.spec.domain.memory.guest"]),
        ({"vms.web.memory.size": "2Gi"}, "restart needed", ["spec.template.spec.domain.memory.guest"]),
        ({"vms.web.cpu.cores": 2}, "restart needed", ["spec.template.spec.domain.cpu.cores"]),
        ({"vms.web.running": False}, "stops", ["spec.runStrategy"]),
        ({"vms.web.namespace": "other"}, "refused", None),
        ({"vms.web.disks.data.size": "200Gi"}, "live", ["disk web-data: spec.storage.resources.requests.storage"]),
        ({"vms.web.disks.cache.from": {"upload": True}}, "replaced, disk DELETED", None),
        ({"vms.web.disks.cache": MADE_AGAIN}, "replaced, disk DELETED", None),
        ({"vms.web.disks.cache.size": "1Gi"}, "refused", None),
        ({"vms.web.disks.data": None}, "refused", None),
        ({"vms.web.disks.cache": None}, "removed, disk DELETED", None),
        ({"vms.web": None}, "refused", None),
        ({"vms.web.disks.data": {"size": "1Gi", "keep": False, "from": {"upload": True}}}, "refused", None),
        ({"vms.web.disks.data.from": {"upload": True}}, "refused", None),
        ({"vms.web.disk.from.http.secret": "login"}, "nothing changes", []),
        ({"vms.web.disks.tools.from.http.secret": "login"}, "refused", ["disk web-tools: spec.source.http.secretRef"]),
    ],
)  # fmt: skip
def test_each_change_of_the_stack_file_has_its_effect(raw, edits, effect, fields):
    found = look(raw, edits)
    assert found["web"].effect == effect, found["web"]
    assert fields is None or [cause["field"] for cause in found["web"].causes] == fields
    assert not found["erp"].changes


def test_a_vm_that_is_new_is_made(raw):
    found = look(raw, {"vms.new": ERP})
    assert found["new"].effect == "is made" and found["new"].changes


def test_an_ephemeral_vm_gets_no_cores_while_it_runs(raw):
    assert look(raw, {"vms.erp.cpu": 4})["erp"].effect == "restart needed"


def test_people_read_the_vm_its_fields_and_why(raw):
    changes = [*look(raw, {"vms.web.cpu.cores": 2, "vms.erp.running": False}).values()]
    assert guests.table(changes, {}) == (
        "VM vms/erp  stops\n"
        "              spec.runStrategy: stops\n"
        "VM vms/web  restart needed\n"
        "              spec.template.spec.domain.cpu.cores: restart needed (a running guest keeps what it was started"
        " with)"
    )


def test_programs_read_vms_and_drains(raw):
    platform = parse(changed(raw, {"vms.web.disks.data.access": "ReadWriteOnce"}))
    shown = json.loads(as_json("prod", [], "", guests.guests(platform, state(platform)), guests.drained(platform)))
    assert shown["vms"][1] == {"vm": "web", "namespace": "vms", "effect": "nothing changes", "causes": []}
    assert shown["drains"]["wk-1"] == [{"vm": "web", "blocks": False, "why": "its disk data is ReadWriteOnce"}]


def test_a_drain_moves_vms_whose_disks_are_shared(raw):
    assert guests.drained(parse(raw)) == {}
    held = guests.drained(parse(changed(raw, {"vms.web.disks.data.access": "ReadWriteOnce"})))
    assert guests.table([], held) == (
        "VM web is stopped by the drain of its machine (wk-1, wk-2): its disk data is ReadWriteOnce"
    )


def test_a_claim_that_has_grown_is_compared_by_its_own_size(raw):
    grown = changed(raw, {"vms.web.disks.data.size": "200Gi"})
    filled = {"namespace": "vms", "claim": "web-data", "size": "200Gi"}
    recorded = [*state(parse(raw)), {"type": "bedplate-native:kubernetes:VmDisk", "urn": "x::y", "inputs": filled}]
    assert not any(each.changes for each in guests.guests(parse(grown), recorded))


@pytest.mark.parametrize(
    ("edits", "whys"),
    [
        ({"vms.web.disk.size": "40Gi"}, {"volumes of its class can't grow"}),
        ({"vms.web.disk.size": "10Gi"}, {"a disk can't shrink"}),
        ({"vms.web.disk.from": {"upload": True}}, {"a disk that is kept is never filled again"}),
    ],
)
def test_what_a_plan_refuses_of_a_disk_is_refused(raw, edits, whys):
    found = look(changed(raw, {"storage": {"local": {}}}), edits)["web"]
    assert (found.effect, {cause["why"] for cause in found.causes}) == ("refused", whys)


def test_a_disk_that_is_protected_is_refused_with_what_to_do():
    disk = {"metadata": {"namespace": "vms", "name": "web-data"}}
    (cause,) = disks.changes([Disk(disk, kept=True, protected=True)], [], DEFAULT)
    assert (cause.effect.value, cause.why) == (
        "refused",
        "the disk is protected, so the plan fails; to delete its data, write keep: false for it, run up, and then "
        "remove it; to keep its data and forget it, run ./bedplate pulumi state unprotect URN, with the URN that the "
        "plan names",
    )
    (cause,) = disks.changes([Disk(disk, kept=True)], [], DEFAULT)
    assert cause.effect.value == "removed, disk kept"


def test_a_copy_of_a_disk_that_is_in_use_is_refused(raw):
    copy = {**WEB, "disks": {}, "disk": {"size": "20Gi", "from": {"claim": {"name": "web"}}}}
    found = look(raw, {"vms.copy": copy})["copy"]
    assert (found.causes[0]["field"], found.causes[0]["effect"]) == ("disk copy", "refused")
    assert "with which VM web runs" in found.causes[0]["why"]
    assert look(raw, {"vms.copy": copy, "vms.web.running": False})["copy"].effect == "is made"
