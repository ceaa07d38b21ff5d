"""Each machine has the images that its schematic and its architecture say."""

import hashlib
from typing import Any

import pulumi
import pytest
from conftest import changed, run_program, stack_platform
from hypothesis import given
from hypothesis import strategies as st

from core.boot import arguments, dnsmasq, manual, matchbox
from core.machineconfig.documents import documents
from core.model import parse
from operations.boot.__main__ import files

GPU = {"extensions": ["siderolabs/nvidia-open-gpu-kernel-modules-lts"]}
ARM = {"machines.wk-1.arch": "arm64", "vms": None}
SECUREBOOT = {"secureboot": True, "secureboot_keys": "firmware"}


def set_in(*keys: tuple[str, Any]) -> Any:
    return parse(changed(stack_platform("prod"), dict(keys)))


def images(platform: Any) -> dict[str, set[str]]:
    """Machine to the schematic ids in all of its layers: config, boot profile, ISO."""
    return {
        name: {
            _install(platform, name)["image"].split("/")[2].split(":")[0],
            matchbox.profile(platform, name)["kernel"].split("/image/")[1].split("/")[0],
            matchbox.iso(platform, name).split("/image/")[1].split("/")[0],
        }
        for name in platform.machines
    }


def _install(platform: Any, name: str) -> Any:
    return next(d["machine"]["install"] for d in documents(platform, name) if "install" in d.get("machine", {}))


def test_a_machines_schematic_is_in_every_layer_of_that_machine_alone():
    platform = set_in(("machines.wk-1.schematic", GPU))
    found = images(platform)
    assert all(len(ids) == 1 for ids in found.values())
    assert found["wk-1"] != found["wk-2"] == found["cp-1"]
    assert set(platform.schematics) == found["wk-1"] | found["wk-2"]
    assert all(text and hashlib.sha256(text.encode()).hexdigest() == id_ for id_, text in platform.schematics.items())


def test_a_class_gives_its_schematic_to_its_machines_and_each_may_replace_a_key():
    platform = set_in(
        ("talos.schematic", {"extensions": ["siderolabs/intel-ucode"], "kernel_args": ["console=ttyS1"]}),
        ("classes", {"gpu": {"role": "worker", "schematic": {**GPU, "kernel_args": ["iommu.strict=1"]}}}),
        ("machines.wk-1.class", "gpu"),
        ("machines.wk-2.class", "gpu"),
        ("machines.wk-2.schematic", {"kernel_args": []}),
    )
    one, two, shared = (platform.schematic_of(name) for name in ("wk-1", "wk-2", "cp-1"))
    assert (one.extensions, one.kernel_args) == (tuple(GPU["extensions"]), ("iommu.strict=1",))
    assert (two.extensions, two.kernel_args) == (tuple(GPU["extensions"]), ())
    assert (shared.extensions, shared.kernel_args) == (("siderolabs/intel-ucode",), ("console=ttyS1",))


def test_a_key_that_a_machine_does_not_set_is_that_of_all_machines():
    platform = set_in(
        ("talos.schematic", {**SECUREBOOT, "extensions": ["siderolabs/intel-ucode"]}),
        ("machines.wk-1.schematic", {"kernel_args": ["hugepages=64"]}),
    )
    assert platform.schematic_of("wk-1").extensions == ("siderolabs/intel-ucode",)
    assert "/metal-installer-secureboot/" in platform.installer_of("wk-1")


def test_an_id_replaces_contents_and_contents_an_id():
    id_ = "ab" * 32
    platform = set_in(
        ("talos.schematic", GPU),
        ("classes", {"own": {"role": "worker", "schematic": id_}}),
        ("machines.wk-1.class", "own"),
        ("machines.wk-2.class", "own"),
        ("machines.wk-2.schematic", {"extensions": ["siderolabs/zfs"]}),
    )
    assert platform.schematic_id_of("wk-1") == id_
    assert platform.schematics[id_] is None
    assert platform.schematic_of("wk-2").extensions == ("siderolabs/zfs",)
    other = set_in(("talos.schematic", id_), ("machines.wk-1.schematic", {"extensions": ["siderolabs/zfs"]}))
    assert other.schematic_id_of("cp-1") == id_
    assert other.schematic_of("wk-1").id is None


def test_secureboot_of_one_machine_is_in_its_image_its_iso_and_its_disk_keys():
    platform = set_in(("machines.wk-1.schematic", SECUREBOOT))
    assert matchbox.iso(platform, "wk-1").endswith("/metal-amd64-secureboot.iso")
    assert matchbox.iso(platform, "wk-2").endswith("/metal-amd64.iso")
    keys = {
        name: [d["encryption"]["keys"][0]["tpm"] for d in documents(platform, name) if d.get("name") == "STATE"]
        for name in ("wk-1", "wk-2")
    }
    assert keys == {"wk-1": [{"checkSecurebootStatusOnEnroll": True}], "wk-2": [{}]}


def test_what_belongs_to_secureboot_is_inherited_with_it_alone():
    platform = set_in(
        ("talos.schematic", {**SECUREBOOT, "well_known_certificates": True, "enroll_keys": "force"}),
        ("machines.wk-1.schematic", {"secureboot": False}),
    )
    without, shared = platform.schematic_of("wk-1"), platform.schematic_of("wk-2")
    assert (without.well_known_certificates, without.enroll_keys, without.secureboot_keys) == (False, None, None)
    assert (shared.well_known_certificates, shared.enroll_keys, shared.secureboot_keys) == (True, "force", "firmware")


def test_secureboot_of_one_machine_boots_one_signed_file_from_the_network():
    platform = set_in(("machines.wk-1.schematic", {**SECUREBOOT, "kernel_args": ["hugepages=64"]}))
    profile = matchbox.profile(platform, "wk-1")
    assert profile["kernel"].endswith("/metal-amd64-secureboot-uki.efi")
    assert profile["initrds"] == []
    # The image has its arguments built in, and the boot server's own are not among them.
    assert "hugepages=64" in profile["args"] and "console=ttyS1" not in profile["args"]
    assert "console=ttyS1" in matchbox.profile(platform, "wk-2")["args"]


@pytest.mark.parametrize(
    "change",
    [
        {f"machines.{name}.bmc": None for name in ("cp-1", "cp-2", "cp-3", "wk-1", "wk-2")},
        {"talos.schematic": {"id": "ab" * 32, **SECUREBOOT}},
    ],
)
def test_a_person_who_boots_machines_and_a_site_that_enrolls_keys_need_to_say_no_more(change):
    platform = set_in(("talos.schematic", {"secureboot": True}), *change.items())
    assert platform.schematic_of("cp-1").secureboot


def test_what_the_platform_needs_is_added_to_each(monkeypatch):
    from core.model import schematic

    needed = schematic.SchematicSpec(extensions=("siderolabs/util-linux-tools",))
    monkeypatch.setattr(schematic, "needs", lambda platform: needed)
    for text in set_in(("machines.wk-1.schematic", GPU)).schematics.values():
        assert "siderolabs/util-linux-tools" in text


def test_each_schematic_is_a_file_for_the_factory(tmp_path):
    platform = set_in(("machines.wk-1.schematic", GPU))
    written = {name: text for name, (text, _) in files(platform, tmp_path).items() if name.startswith("schematic")}
    assert written == {f"schematic-{id_[:12]}.yaml": text for id_, text in platform.schematics.items()}
    assert "schematic.yaml" in files(set_in(), tmp_path)


def exported(monkeypatch: pytest.MonkeyPatch, raw: Any) -> dict[str, Any]:
    outputs: dict[str, Any] = {}
    monkeypatch.setattr(pulumi, "export", outputs.__setitem__)
    run_program(raw)
    return outputs


def test_a_platform_of_one_schematic_exports_it_as_before_and_one_of_several_by_id(monkeypatch):
    one = exported(monkeypatch, stack_platform("prod"))
    assert isinstance(one["schematic"], str) and "schematics" not in one
    raw = changed(stack_platform("prod"), {"machines.wk-1.schematic": GPU})
    several = exported(monkeypatch, raw)
    assert several["schematics"] == dict(parse(raw).schematics) and "schematic" not in several


def test_the_gate_before_upgrades_sees_another_schematic_on_any_machine():
    def named(*keys: tuple[str, Any]) -> str:
        return set_in(*keys).images

    assert named() == next(iter(set_in().schematics))
    given = [
        named(),
        named(("machines.wk-1.schematic", GPU)),
        named(("machines.wk-2.schematic", GPU)),
        named(("machines.wk-1.schematic", GPU), ("machines.wk-2.schematic", GPU)),
    ]
    assert len(set(given)) == len(given)


def test_a_person_is_told_which_schematic_the_machine_needs():
    platform = set_in(("machines.wk-1.bmc", None), ("machines.wk-1.schematic", GPU))
    (line,) = [step for step in manual.steps(platform, "wk-1") if "404" in step]
    assert f"send the factory schematic {platform.schematic_id_of('wk-1')}: ./bedplate boot STACK FOLDER" in line


def test_an_arm_machine_boots_and_installs_images_for_arm():
    platform = set_in(*ARM.items())
    profile = matchbox.profile(platform, "wk-1")
    assert profile["kernel"].endswith("/kernel-arm64")
    assert profile["initrds"][0].endswith("/initramfs-arm64.xz")
    assert profile["args"][0] == "initrd=initramfs-arm64.xz"
    assert matchbox.iso(platform, "wk-1").endswith("/metal-arm64.iso")
    assert matchbox.profile(platform, "wk-2")["kernel"].endswith("/kernel-amd64")
    # An installer image is one name for both architectures.
    assert platform.installer_of("wk-1") == platform.installer_of("wk-2")


@pytest.mark.parametrize("dhcp", ["full", "proxy"])
@pytest.mark.parametrize(
    ("arches", "loaders"),
    [
        (("amd64",) * 5, {"undionly.kpxe", "snponly.efi"}),
        (("arm64",) * 5, {"snponly-arm64.efi"}),
        (("amd64", "amd64", "amd64", "arm64", "amd64"), {"undionly.kpxe", "snponly.efi", "snponly-arm64.efi"}),
    ],
)
def test_the_boot_server_answers_the_architectures_of_the_platform(dhcp, arches, loaders):
    wanted = {"interface": "eth1", "http": "http://10.20.0.2:8080", "dhcp": dhcp}
    names = list(set_in().machines)
    platform = set_in(
        ("boot.provisioning", wanted),
        ("vms", None),
        *((f"machines.{name}.arch", arch) for name, arch in zip(names, arches, strict=True)),
    )
    text = dnsmasq.files(platform)["dnsmasq.conf"]
    assert {line.rpartition(",")[2] for line in text.splitlines() if "!ipxe" in line} == loaders
    assert ("option:client-arch,11" in text) == ("arm64" in arches)
    assert ("option:client-arch,0" in text) == ("amd64" in arches)
    assert ("ARM64_EFI" in text) == ("arm64" in arches and dhcp == "proxy")


def test_a_guest_stays_on_nodes_of_its_architecture():
    vm = {"ephemeral": True, "image": "quay.io/containerdisks/fedora:42", "cpu": 1, "memory": "1Gi"}
    raw = changed(
        stack_platform("prod"),
        {
            "machines.wk-1.arch": "arm64",
            "vms": {
                "one": {**vm, "arch": "arm64"},
                "two": {**vm, "arch": "amd64"},
            },
        },
    )
    guests = run_program(raw).engine.of("kubernetes:kubevirt.io/v1:VirtualMachine")
    placed = {
        name: (vm["spec"]["template"]["spec"]["architecture"], vm["spec"]["template"]["spec"]["nodeSelector"])
        for name, vm in guests.items()
    }
    assert placed == {
        "vm-one": ("arm64", {"kubernetes.io/arch": "arm64"}),
        "vm-two": ("amd64", {"kubernetes.io/arch": "amd64"}),
    }
    (kubevirt,) = run_program(raw).engine.of("kubernetes:kubevirt.io/v1:KubeVirt").values()
    assert "developerConfiguration" not in kubevirt["spec"]["configuration"]  # KubeVirt 1.8 needs no gate for it


def test_the_processors_flags_are_asked_of_amd64_machines_alone():
    raw = changed(stack_platform("prod"), {"machines.wk-1.arch": "arm64", "vms.build-1.arch": "amd64"})
    raw["vms"] = {name: {**vm, "arch": "amd64"} for name, vm in raw["vms"].items()}
    asked = {
        name: inputs["virtualization"]
        for name, inputs in run_program(raw).engine.of("bedplate-native:talos:Release").items()
    }
    assert (asked["talos-wk-1"], asked["talos-wk-2"]) == (False, True)


ARGUMENT = st.sampled_from(["console=ttyS1", "net.ifnames=0", "-console", "hugepages=64", "iommu.strict=1"])


@given(st.lists(ARGUMENT, max_size=4), st.lists(ARGUMENT, max_size=3), st.lists(ARGUMENT, max_size=3))
def test_a_boot_from_the_network_adds_to_what_the_image_has(shared, own, served):
    served = [argument for argument in served if not argument.startswith("-")]
    platform = set_in(
        ("talos.schematic", {"kernel_args": shared}),
        ("machines.wk-1.schematic", {"kernel_args": own}),
        ("boot.kernel_args", served),
    )
    for name in ("wk-1", "wk-2"):
        assert arguments.network(platform, name) == [*(arguments.installed(platform, name) or []), *served]
    assert arguments.installed(set_in(("talos.schematic", "ab" * 32)), "wk-1") is None
