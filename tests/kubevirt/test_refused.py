"""What KubeVirt or CDI refuses by a rule that the model has too, both refuse."""

from typing import Any

import pytest
from conftest import changed, stack_platform

from core.model import StackFileError, parse
from tests.kubevirt.edits import Edit, edited, inside, put
from tests.kubevirt.guests import STORAGE, admission, copied, disks, objects
from tests.machineconfig.judge import Judge

pytestmark = pytest.mark.programs

IMAGE = {"url": "https://images.example.com/a.qcow2", "checksum": f"sha256:{'0' * 64}"}
WEB = {
    "disk": {"size": "20Gi", "from": {"http": IMAGE}},
    "disks": {"data": {"size": "100Gi"}},
    "cpu": {"sockets": 2, "max": 8},
    "memory": {"size": "4Gi", "max": "16Gi"},
    "ports": [80],
}
CPU, MEMORY, DEVICES = "domain.cpu", "domain.memory", "domain.devices"


def arm(*edits: Edit) -> list[Edit]:
    """Changes of a guest for ARM."""
    return [inside("architecture", "arm64"), *edits]


# A rule to the change of the stack file, and to that of the VirtualMachine.
VMS: dict[str, tuple[dict[str, Any], list[Edit]]] = {
    "more sockets than the most": ({"cpu.max": 1}, [inside(f"{CPU}.maxSockets", 1)]),
    "more memory than the most": ({"memory.max": "2Gi"}, [inside(f"{MEMORY}.maxGuest", "2Gi")]),
    "little memory that grows": ({"memory.size": "512Mi"}, [inside(f"{MEMORY}.guest", "512Mi")]),
    "odd memory that grows": ({"memory.size": "4097Mi"}, [inside(f"{MEMORY}.guest", "4097Mi")]),
    "memory that grows to an odd size": ({"memory.max": "8193Mi"}, [inside(f"{MEMORY}.maxGuest", "8193Mi")]),
    "memory of an ARM guest that grows": ({"arch": "arm64"}, arm()),
    "a MAC address of other digits": (
        {"mac": "02:00:00:00:00:zz"}, [inside(f"{DEVICES}.interfaces[default].macAddress", "02:00:00:00:00:zz")]),
    "a short MAC address": (
        {"mac": "02:00:00:00:00"}, [inside(f"{DEVICES}.interfaces[default].macAddress", "02:00:00:00:00")]),
    "an unknown bus": ({"disk.bus": "ide"}, [inside(f"{DEVICES}.disks[root].disk.bus", "ide")]),
    "an unknown strategy": ({"restart": "sometimes"}, [put("spec.runStrategy", "Sometimes")]),
    "memory that is no size": ({"memory": "much"}, [inside(MEMORY, {"guest": "much"})]),
    "CPUs that are no number": ({"cpu": "two"}, [inside(f"{CPU}.sockets", "two")]),
    "negative CPUs": ({"cpu": -1}, [inside(f"{CPU}.sockets", -1)]),
    "a field that is not there": ({"memry": "4Gi"}, [inside("domain.memry", {"guest": "4Gi"})]),
    "a data disk called root": (
        {"disks": {"root": {"size": "1Gi"}}}, [lambda vm: _list(vm, "disks").append({"name": "root", "disk": {}})]),
    "SecureBoot without UEFI": (
        {"firmware": {"secure_boot": True}},
        [inside("domain.firmware.bootloader", {"efi": {"secureBoot": True}})]),
    "a disk with no name": ({"disks": {"": {"size": "1Gi"}}}, [inside(f"{DEVICES}.disks[data].name", "")]),
    "a disk with a name of other characters": (
        {"disks": {"a/b": {"size": "1Gi"}}},
        [inside("volumes[data].name", "a/b"), inside(f"{DEVICES}.disks[data].name", "a/b")]),
}  # fmt: skip
# The same of a DataVolume.
DISKS: dict[str, tuple[dict[str, Any], list[Edit]]] = {
    "no size": ({"disk.size": None}, [put("spec.storage.resources", {})]),
    "nothing as a size": ({"disk.size": "0Gi"}, [put("spec.storage.resources.requests.storage", "0")]),
    "a size that is none": ({"disk.size": "big"}, [put("spec.storage.resources.requests.storage", "big")]),
    "two sources": ({"disk.from.blank": True}, [put("spec.source.blank", {})]),
    "no source": ({"disk.from": {}}, [put("spec.source", {})]),
    "an address without a server": ({"disk.from.http.url": "a.qcow2"}, [put("spec.source.http.url", "a.qcow2")]),
    "an address of another kind": (
        {"disk.from.http.url": "ftp://images.example.com/a"}, [put("spec.source.http.url", "ftp://images.example.com/a")]),
    "no address": ({"disk.from.http.url": ""}, [put("spec.source.http.url", "")]),
    "a short checksum": ({"disk.from.http.checksum": "sha256:00"}, [put("spec.source.http.checksum", "sha256:00")]),
    "a checksum of no kind": ({"disk.from.http.checksum": "0" * 64}, [put("spec.source.http.checksum", "0" * 64)]),
    "a checksum of an unknown kind": (
        {"disk.from.http.checksum": f"crc32:{'0' * 8}"}, [put("spec.source.http.checksum", f"crc32:{'0' * 8}")]),
    "an address beside a registry": (
        {"disk.from.registry": {"image": "a"}}, [put("spec.source.registry", {"url": "docker://a"})]),
    "a claim without a name": (
        {"disk.from": {"claim": {"name": ""}}}, [put("spec.source", {"pvc": {"name": "", "namespace": "vms"}})]),
    "an unknown source": ({"disk.from": {"ftp": {"url": "ftp://a"}}}, [put("spec.source", {"ftp": {"url": "ftp://a"}})]),
}  # fmt: skip


def _list(vm: dict[str, Any], name: str) -> list[dict[str, Any]]:
    entries = vm["spec"]["template"]["spec"]["domain"]["devices"][name]
    assert isinstance(entries, list)
    return entries


def stack(edits: dict[str, Any]) -> dict[str, Any]:
    """A stack file with the VM, and what is changed of it."""
    whole = changed(stack_platform("prod"), {"storage": STORAGE, "vms": {"web": WEB}})
    return changed(whole, {f"vms.web.{path}": value for path, value in edits.items()})


def refused(answer: dict[str, Any]) -> bool:
    """Whether an object is refused, or can't be read at all."""
    return bool(answer["causes"] or answer["error"])


@pytest.mark.parametrize("rule", VMS)
def test_a_vm_that_kubevirt_refuses_is_refused_before(judge: Judge, rule: str):
    ours, theirs = VMS[rule]
    known = parse(stack({}))
    made = objects(known)["web"]
    right, wrong = judge.all([admission(known, made), admission(known, edited(made, *theirs))])
    assert not refused(right), right
    assert refused(wrong)
    with pytest.raises(StackFileError):
        parse(stack(ours))


@pytest.mark.parametrize("rule", DISKS)
def test_a_disk_that_cdi_refuses_is_refused_before(judge: Judge, rule: str):
    ours, theirs = DISKS[rule]
    made = next(each for each in disks(parse(stack({}))) if each["metadata"]["name"] == "web")
    asked = [{"ask": "admit", "object": each, "others": copied("vms")} for each in (made, edited(made, *theirs))]
    right, wrong = judge.all(asked)
    assert not refused(right), right
    assert refused(wrong)
    with pytest.raises(StackFileError):
        parse(stack(ours))
