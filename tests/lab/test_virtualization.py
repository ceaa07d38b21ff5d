"""What virtual machines need in a rehearsal: which parts are built, and the images that a platform pulls."""

import pytest

from lab import guests, preflight, prepare, virtualization, vm_images
from lab.layers import NET_BIND_SERVICE
from lab.phases import disks, machines
from lab.rehearsal import Rehearsal
from toolchain.layout import Layout
from toolchain.lock import load

KUBEVIRT = {"version": "v1.8.4"}


@pytest.mark.parametrize(
    ("platform", "parts"),
    [
        ({}, ()),
        ({"kubevirt": KUBEVIRT}, ("virtualization",)),
        ({"kubevirt": KUBEVIRT, "storage": {"local": {}}}, ("virtualization", "vm-storage", "shared-storage")),
        ({"storage": {"local": {}}}, ("virtualization", "vm-storage", "shared-storage")),
        ({"kubevirt": KUBEVIRT, "cdi": {"version": "v1.65.0"}}, ("virtualization", "vm-storage")),
    ],
)
def test_only_what_a_platform_needs_is_built(platform, parts):
    assert virtualization.parts(platform) == parts
    lock = load(Layout.of(prepare.CHECKOUT).lock)
    assert not parts or lock.select(parts)


@pytest.fixture
def built(tmp_path):
    """A file for everything that the sets yield."""
    lock = load(Layout.of(prepare.CHECKOUT).lock)
    names = [name for part in lock.select(["virtualization", "vm-storage", "shared-storage"]) for name in part.files]
    for name in names:
        (tmp_path / name).mkdir() if name.endswith("tree") or name == "modules" else (tmp_path / name).write_text("")
    (tmp_path / "vm-system-tree/usr/sbin").mkdir(parents=True)
    (tmp_path / "vm-system-tree/usr/sbin/libvirtd").touch()
    (tmp_path / "vm-disk-tools-tree/usr/bin").mkdir(parents=True)
    (tmp_path / "vm-disk-tools-tree/usr/bin/busybox").touch()
    (tmp_path / "node-labeller.sh").write_text("#!/bin/sh\nHYPERVISOR_DEV_MINOR=$(grep kvm /proc/misc)\nvirsh list\n")
    (tmp_path / "launcher-nsswitch.conf").write_text("hosts: files dns myhostname\n")
    return {name: tmp_path / name for name in names}


def test_kubevirt_has_each_image_that_its_operator_derives_from_its_own(built):
    images = {image.name: image for image in vm_images.kubevirt(built, "registry.example.com/kubevirt", "v1.8.4")}
    assert {name.rpartition("/")[2] for name in images} == {
        f"{name}:v1.8.4"
        for name in (
            *("virt-operator", "virt-api", "virt-controller", "virt-handler", "virt-launcher"),
            *("virt-exportproxy", "virt-exportserver", "synchronization-controller"),
        )
    }
    launcher = images["registry.example.com/kubevirt/virt-launcher:v1.8.4"]
    assert launcher.capabilities == {"usr/bin/virt-launcher-monitor": NET_BIND_SERVICE}
    assert launcher.entrypoint == ["/usr/bin/virt-launcher"] and launcher.user == ""
    assert launcher.below == images["registry.example.com/kubevirt/virt-handler:v1.8.4"].below


def test_the_system_is_as_kubevirts_programs_expect_it(built):
    system = vm_images.system(built)
    assert b"HYPERVISOR_DEV_MINOR=\nvirsh list" in system.texts["usr/bin/node-labeller.sh"]
    assert system.texts["etc/nsswitch.conf"] == b"hosts: files dns\n"
    assert b"libvirt-qemu:x:107:" in system.texts["etc/passwd"] and set(system.programs) <= set(system.texts)


def test_cdi_has_each_image_that_its_operator_starts(built):
    manifest = (prepare.CHECKOUT / "core/manifests/upstream/cdi-operator-v1.65.0.yaml").read_text()
    images = {image.name for image in vm_images.cdi(built, virtualization.REGISTRY, prepare.versions().cdi)}
    assert images == {line.split()[-1] for line in manifest.splitlines() if "quay.io/kubevirt/cdi-" in line}


def test_each_virtual_machine_becomes_a_small_emulated_guest_and_each_change_is_noted():
    notes = []
    platform = {
        "kubevirt": {"version": "v1.8.3"},
        "vms": {
            "web": {"image": f"quay.io/containerdisks/fedora@sha256:{'0' * 64}", "cpu": 16, "memory": "64Gi"},
            "small": {"cpu": 1, "memory": "256Mi"},
        },
    }
    guests.rehearsed(platform, lambda where, was, now, why: notes.append(where), "v1.8.4")
    assert platform["kubevirt"] == {"version": "v1.8.4", "emulation": True}
    assert platform["vms"]["web"] == {
        "image": "quay.io/containerdisks/fedora:rehearsed",
        "cpu": 1,
        "memory": "256Mi",
    }
    assert notes == [
        *("kubevirt.version", "kubevirt.emulation", "vms.web.cpu", "vms.web.memory", "vms.web.image"),
    ]


def test_a_disk_is_filled_from_the_labs_server_whatever_fills_it_elsewhere():
    at = {kind: {"url": f"https://192.168.10.1:5000/files/0/disk.{kind}"} for kind in ("qcow2", "vmdk")}
    given = {
        "disk": {"size": "20Gi", "from": {"http": {"url": "https://images.example.com/server.vmdk"}}},
        "disks": {
            "data": {"size": "100Gi"},
            "spare": {"size": "1Gi", "keep": False},
            "copy": {"from": {"claim": {"name": "golden"}}},
            "tools": {"from": {"registry": {"image": f"quay.io/tools/disk:1@sha256:{'0' * 64}"}}},
        },
    }
    notes = []
    platform = {"kubevirt": {"version": "v1.8.4", "emulation": True}, "vms": {"web": given}}
    guests.rehearsed(platform, lambda where, was, now, why: notes.append(where), "v1.8.4", at)
    assert given["disk"] == {"size": "256Mi", "from": {"http": at["vmdk"]}, "keep": False}
    assert given["disks"]["tools"]["from"] == {"http": at["qcow2"]}
    assert given["disks"]["copy"]["from"] == {"claim": {"name": "golden"}}
    assert given["disks"]["data"] == {"size": "100Gi", "keep": False}
    assert given["disks"]["spare"] == {"size": "1Gi", "keep": False}
    assert notes == [
        *("vms.web.disk.from", "vms.web.disk.size", "vms.web.disk.keep", "vms.web.disks.data.keep"),
        "vms.web.disks.tools.from",
    ]


@pytest.mark.parametrize("without_vms", [False, True])
def test_without_vms_leaves_out_kubevirt_and_all_that_its_disks_need(tmp_path, without_vms):
    dev = Rehearsal("dev", root=tmp_path, checkout=prepare.CHECKOUT, without_vms=without_vms)
    assert dev.left_out == (["kubevirt", "vms", "storage"] if without_vms else [])
    assert not set(virtualization.SECTIONS) & set(dev.committed) if without_vms else "storage" in dev.committed
    assert disks.enabled(dev) is machines.there(dev) is not without_vms
    assert bool(virtualization.parts(dev.committed)) is not without_vms


def test_a_platform_without_kubevirt_is_not_changed():
    platform: dict = {"machines": {}}
    guests.rehearsed(platform, lambda *change: pytest.fail(str(change)), "v1.8.4")
    assert platform == {"machines": {}}


def test_virtual_machines_need_memory_of_their_own():
    assert preflight.memory(1) < preflight.memory(1, 0) < preflight.memory(1, 4) < preflight.memory(5, 4)
