"""The classes of volumes: what a plan knows of them, and which one is meant where none is named."""

from typing import Any

import pytest
from conftest import changed, stack_platform

from core.facts.storage_capabilities import CAPABILITIES, SHORT, Mode, capabilities, mode
from core.model import Platform, parse

CEPH = {"provisioner": "rook-ceph.rbd.csi.ceph.com"}
LONGHORN = {"provisioner": "driver.longhorn.io", "parameters": {"migratable": "true"}}


def platform(storage: Any) -> Platform:
    return parse(changed(stack_platform("dev"), {"storage": storage}))


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
        (
            {"local": {"default": False}, "classes": {"replicated": {**LONGHORN, "default": True}}},
            "replicated",
            "local-scratch",
        ),
        ({"local": {}, "classes": {"replicated": LONGHORN}}, "local", "local-scratch"),
        ({"local": {}, "classes": {"replicated": LONGHORN}, "default": "replicated"}, "replicated", "local-scratch"),
        ({"local": {"default": False}, "classes": {"replicated": LONGHORN}}, None, "local-scratch"),
        ({"classes": {"replicated": LONGHORN, "files": {"provisioner": "nfs.csi.k8s.io"}}}, None, None),
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
