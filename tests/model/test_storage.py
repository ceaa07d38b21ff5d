"""The classes of volumes: what a plan knows of them, and which one is meant where none is named."""

from datetime import date
from typing import Any

import pytest
from conftest import changed, stack_platform

from core.facts import versions
from core.facts.storage_capabilities import CAPABILITIES, SHORT, Mode, capabilities, depends_on_parameters, mode
from core.model import Platform, StackFileError, parse
from core.model.advice import advice
from tests.diskvms import EPHEMERAL

TODAY = date(2026, 11, 1)
CEPH = {"provisioner": "rook-ceph.rbd.csi.ceph.com"}
LONGHORN = {"provisioner": "driver.longhorn.io", "parameters": {"migratable": "true"}}
PLAIN = {"provisioner": "driver.longhorn.io"}


def platform(storage: Any) -> Platform:
    return parse(changed(stack_platform("dev"), {**EPHEMERAL, "storage": storage}))


@pytest.mark.parametrize(
    ("provisioner", "parameters", "modes"),
    [
        ("driver.longhorn.io", {}, ["RWO Block"]),
        ("driver.longhorn.io", {"migratable": "true", "fsType": "ext4"}, ["RWX Block", "RWO Block"]),
        ("driver.longhorn.io", {"migratable": "false", "fsType": "ext4"}, ["RWO Filesystem"]),
        ("driver.longhorn.io", {"nfsOptions": "vers=4.2"}, ["RWX Filesystem", "RWO Filesystem"]),
        ("rook-ceph.rbd.csi.ceph.com", {}, ["RWX Block", "RWO Block", "RWO Filesystem"]),
        ("storage.rbd.csi.ceph.com", {}, []),
        ("csi.trident.netapp.io", {}, []),
        ("csi.trident.netapp.io", {"backendType": "ontap-san-economy"}, ["RWX Block"]),
        (
            "csi.trident.netapp.io",
            {"backendType": "google-cloud-netapp-volumes", "selector": "a=b ; performance=flex"},
            ["RWX Filesystem", "RWO Filesystem"],
        ),
        (
            "csi-powerstore.dellemc.com",
            {"csi.storage.k8s.io/fstype": "NFS"},
            ["RWX Filesystem", "RWO Filesystem", "ROX Filesystem"],
        ),
        ("csi.san.synology.com", {"protocol": "ftp"}, []),
        ("pxd.portworx.com", {"sharedv4_mount_options": "vers=3.0,nolock"}, ["RWX Filesystem", "RWO Filesystem"]),
        ("rancher.io/local-path", {}, []),
    ],
)
def test_what_cdi_knows_of_a_class(provisioner, parameters, modes):
    assert [str(each) for each in capabilities(provisioner, parameters)] == modes


def test_every_mode_is_written_and_read_alike():
    for modes in CAPABILITIES.values():
        assert len(set(modes)) == len(modes) > 0
        assert all(mode(str(each)) == each and each.access in SHORT for each in modes)


def test_local_makes_a_class_for_disks_and_one_for_scratch_space():
    p = platform({"local": {}})
    assert list(p.storage_classes) == ["local", "local-scratch"]
    local = p.storage_class(None)
    assert local is not None and local.name == "local" and local.binds_late and local.by_profile
    assert local.modes == (Mode("ReadWriteOnce", "Filesystem"),) and not local.offers("ReadWriteMany")
    assert p.scratch_class is not None and p.scratch_class.name == "local-scratch"


@pytest.mark.parametrize(
    ("storage", "default", "scratch"),
    [
        ({"classes": {"ceph-block": CEPH}}, "ceph-block", "ceph-block"),
        ({"classes": {"replicated": LONGHORN}}, "replicated", None),
        ({"classes": {"replicated": PLAIN}}, "replicated", "replicated"),
        (
            {"local": {"default": False}, "classes": {"replicated": {**LONGHORN, "default": True}}},
            "replicated",
            "local-scratch",
        ),
        ({"local": {}, "classes": {"replicated": LONGHORN}}, "local", "local-scratch"),
        ({"local": {}, "classes": {"replicated": LONGHORN}, "default": "replicated"}, "replicated", "local-scratch"),
        ({"local": {"default": False}, "classes": {"replicated": LONGHORN}}, None, "local-scratch"),
        ({"classes": {"replicated": LONGHORN, "files": {"provisioner": "nfs.csi.k8s.io"}}}, None, "files"),
        ({"classes": {"a": CEPH, "b": CEPH}, "scratch": "b"}, None, "b"),
    ],
)
def test_the_class_that_is_meant_where_none_is_named(storage, default, scratch):
    p = platform(storage)
    for found, wanted in ((p.storage_class(None), default), (p.scratch_class, scratch)):
        assert (found.name if found else None) == wanted


def test_a_platform_without_storage_has_no_class():
    p = platform(None)
    assert (p.storage_class(None), p.scratch_class, dict(p.storage_classes)) == (None, None, {})


@pytest.mark.parametrize(
    "named",
    [
        {"provisioner": "driver.longhorn.io", "modes": ["RWO Filesystem"]},
        {"provisioner": "driver.longhorn.io", "modes": ["RWX Filesystem", "RWO Block"]},
        {"provisioner": "driver.longhorn.io", "parameters": {"fsType": "xfs"}, "modes": ["RWO Block"]},
        {
            "provisioner": "csi.trident.netapp.io",
            "parameters": {"backendType": "ontap-san"},
            "modes": ["RWO Filesystem"],
        },
        {"provisioner": "csi.trident.netapp.io", "modes": ["RWX Block"]},
        {"provisioner": "kubernetes.io/no-provisioner", "modes": ["RWO Filesystem"], "binding": "WaitForFirstConsumer"},
        {"provisioner": "ceph-prod.rbd.csi.ceph.com", "modes": ["RWX Block", "RWO Block", "RWO Filesystem"]},
        {"provisioner": "io.openebs.csi-mayastor", "modes": ["RWO Block"], "snapshots": "mayastor"},
        {"provisioner": "nfs.csi.k8s.io", "modes": ["RWX Filesystem", "RWO Filesystem"]},
        {"provisioner": "org.democratic-csi.iscsi", "modes": ["RWX Block", "RWO Filesystem"], "default": True},
        {"provisioner": "rook-ceph.rbd.csi.ceph.com", "parameters": {"clusterID": "rook-ceph", "pool": "vms"}},
    ],
    ids=lambda named: named["provisioner"],
)
def test_a_class_of_a_real_platform_is_accepted(named):
    p = platform({"local": {"default": not named.get("default")}, "classes": {"theirs": named}})
    found = p.storage_class("theirs")
    assert found is not None and found.modes and found.by_profile == bool(named.get("modes"))


def test_every_class_whose_modes_cdi_knows_is_accepted_as_it_is():
    """Only a driver alone: of some, CDI knows nothing without parameters."""
    names = [key for key in CAPABILITIES if not depends_on_parameters(key.rpartition("/")[0])]
    for provisioner in (name for name in names if capabilities(name) == CAPABILITIES[name]):
        written = [str(each) for each in CAPABILITIES[provisioner]]
        for named in ({"provisioner": provisioner}, {"provisioner": provisioner, "modes": written}):
            assert platform({"classes": {"theirs": named}}).storage_classes["theirs"].modes == CAPABILITIES[provisioner]


def test_a_plan_warns_of_disks_that_stay_on_one_machine(prod):
    """On one machine a VM could not move anyway."""
    warned = [str(each) for each in advice(parse(changed(prod, {"storage": {"local": {}}})), TODAY)]
    assert [line for line in warned if line.startswith("platform.storage.local: keeps the disks of VMs")]
    for stack in ("dev", "prod"):
        rest = (
            {"storage": {"local": {}}}
            if stack == "dev"
            else {"storage": {"local": {"default": False}, "classes": {"ceph": {**CEPH, "default": True}}}}
        )
        assert not [
            each for each in advice(parse(changed(stack_platform(stack), rest)), TODAY) if each.path[0] == "storage"
        ]


def test_cdi_runs_with_the_kubevirt_that_it_was_tried_with(monkeypatch):
    monkeypatch.setattr(versions, "KUBEVIRT_MANIFESTS", ("v1.8.4", "v1.9.0"))
    raw = changed(stack_platform("dev"), {"storage": {"local": {}}, "cdi": {}, "kubevirt.version": "v1.9.0"})
    with pytest.raises(StackFileError) as refused:
        parse(raw)
    assert str(refused.value) == (
        "platform.cdi.version: CDI v1.65.0 runs with KubeVirt 1.8, but kubevirt.version is v1.9.0; KubeVirt starts a "
        "VM from the disks that CDI fills, and no other pair was tried; set kubevirt.version to a release of 1.8"
    )


@pytest.mark.parametrize("source", [{"blank": True}, {"claim": {"name": "golden"}}])
def test_a_disk_that_is_not_unpacked_needs_no_scratch_space(source):
    vm = {"cpu": 2, "memory": "4Gi", "disk": {"size": "20Gi", "from": source}}
    p = parse(changed(stack_platform("dev"), {"storage": {"classes": {"fast": LONGHORN}}, "vms": {"db": vm}}))
    assert p.cdi is not None and p.scratch_class is None
