"""A schematic's id is the one that a factory gives it, computed without contacting one."""

import hashlib
import json
from pathlib import Path

import pytest
import yaml
from conftest import changed, stack_platform
from hypothesis import given
from hypothesis import strategies as st

from core.boot import matchbox as boot
from core.model import goyaml, parse, schematic

# What Go's yaml.v3 v3.0.1 wrote, with an indent of four, for each text as an entry of extraKernelArgs. The emitter
# was compared with it on these and on half a million random ones, weighted towards numbers, dates and indicators.
GO = json.loads((Path(__file__).parent / "goyaml.json").read_text(encoding="utf-8"))

# Six of them are in the factory's own tests (pkg/schematic/schematic_test.go); all eight were answered by one.
KNOWN = {
    "376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba": {},
    "9cba8e32753f91a16c1837ab8abf356af021706ef284aef07380780177d9a06c": {
        "customization": {"extraKernelArgs": ["noapic", "nolapic"]}
    },
    "d308a2a5ee2277bed5fbaa104fcbc8d59122abfa737df987a95b4ca763459a7f": {
        "customization": {"meta": [{"key": 10, "value": "foo"}]}
    },
    "fa8e05f142a851d3ee568eb0a8e5841eaf6b0ebc8df9a63df16ac5ed2c04f3e6": {
        "customization": {"secureboot": {"includeWellKnownCertificates": True}}
    },
    "92833e9ddd9bb9e11b2464fa5525429f01866306d52ebd882ee08d7918f6d1ea": {
        "customization": {"diskImage": {"sectorSize": 4096}}
    },
    "ee21ef4a5ef808a9b7484cc0dda0f25075021691c8c09a276591eedb638ea1f9": {
        "overlay": {"name": "rpi_generic", "image": "siderolabs/sbc-raspberrypi"}
    },
    "613e1592b2da41ae5e265e8789429f22e121aab91cb4deb6bc3c0b6262961245": {
        "customization": {
            "systemExtensions": {"officialExtensions": ["siderolabs/iscsi-tools", "siderolabs/util-linux-tools"]}
        }
    },
    "b8e8fbbe1b520989e6c52c8dc8303070cb42095997e76e812fa8892393e1d176": {
        "customization": {
            "systemExtensions": {"officialExtensions": ["siderolabs/gvisor", "siderolabs/intel-ucode"]},
            "extraKernelArgs": ["net.ifnames=0"],
        }
    },
}
PLAIN = next(iter(KNOWN))


@pytest.mark.parametrize(("known", "body"), KNOWN.items(), ids=[known[:8] for known in KNOWN])
def test_an_id_is_the_one_that_the_factory_gives(known, body):
    assert schematic.id_of(body) == known


@pytest.mark.parametrize(("text", "written"), GO, ids=[repr(text) for text, _ in GO])
def test_a_text_is_quoted_as_go_quotes_it(text, written):
    assert goyaml.scalar(text) == written


# Python's reader takes these for YAML 1.1's merge and value marks; Go writes them plain.
@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)).filter(lambda text: text not in ("<<", "=")))
def test_every_text_is_read_back_as_that_text(text):
    assert yaml.safe_load(goyaml.dump({"a": [text]})) == {"a": [text]}


@pytest.mark.parametrize("text", ["a\nb", "\t", "ü", "\x00"])
def test_what_was_not_compared_is_not_written(text):
    with pytest.raises(ValueError, match="is not one line of printable ASCII"):
        goyaml.scalar(text)


def of(raw, **said):
    return parse(changed(raw, {"talos.schematic": said}))


def test_a_platform_that_needs_nothing_has_the_plain_schematic(dev):
    assert (
        parse(dev).schematic_id_of("cp-1")
        == of(dev).schematic_id_of("cp-1")
        == of(dev, extensions=[]).schematic_id_of("cp-1")
        == PLAIN
    )


def test_the_stacks_extensions_and_arguments_make_the_id(dev):
    made = of(dev, extensions=["siderolabs/intel-ucode", "siderolabs/gvisor"], kernel_args=["net.ifnames=0"])
    assert made.schematic_id_of("cp-1") == "b8e8fbbe1b520989e6c52c8dc8303070cb42095997e76e812fa8892393e1d176"


def test_an_overlay_makes_the_id(dev):
    board = {"name": "rpi_generic", "image": "siderolabs/sbc-raspberrypi"}
    made = parse(changed(dev, {"talos.schematic": {"overlay": board}, "machines.cp-1.arch": "arm64"}))
    assert made.schematic_id_of("cp-1") == "ee21ef4a5ef808a9b7484cc0dda0f25075021691c8c09a276591eedb638ea1f9"


@given(st.permutations(["siderolabs/a", "siderolabs/b", "siderolabs/b", "siderolabs/c"]))
def test_the_order_of_extensions_and_naming_one_twice_means_nothing(extensions):
    dev = stack_platform("dev")
    assert of(dev, extensions=extensions).schematic_id_of("cp-1") == of(
        dev, extensions=["siderolabs/a", "siderolabs/b", "siderolabs/c"]
    ).schematic_id_of("cp-1")


def test_the_order_of_kernel_arguments_is_kept(dev):
    """The kernel prints to the last console=."""
    assert of(dev, kernel_args=["console=ttyS1", "console=tty0"]).schematic_id_of("cp-1") != of(
        dev, kernel_args=["console=tty0", "console=ttyS1"]
    ).schematic_id_of("cp-1")


def test_what_the_platform_needs_is_added_to_what_the_file_says(dev, monkeypatch):
    monkeypatch.setattr(
        schematic,
        "needs",
        lambda platform: schematic.SchematicSpec(extensions=("siderolabs/util-linux-tools", "siderolabs/iscsi-tools")),
    )
    known = "613e1592b2da41ae5e265e8789429f22e121aab91cb4deb6bc3c0b6262961245"
    assert (
        parse(dev).schematic_id_of("cp-1")
        == of(dev, extensions=["siderolabs/iscsi-tools"]).schematic_id_of("cp-1")
        == known
    )


def test_an_id_made_elsewhere_is_used_as_it_is(dev):
    assert parse(changed(dev, {"talos.schematic": "ab" * 32})).schematic_id_of("cp-1") == "ab" * 32


def test_what_a_factory_must_be_sent_is_what_was_hashed(dev):
    made = of(dev, extensions=["siderolabs/gvisor"])
    ((id_, text),) = made.schematics.items()
    assert (
        text == "customization:\n    systemExtensions:\n        officialExtensions:\n            - siderolabs/gvisor\n"
    )
    assert hashlib.sha256(text.encode()).hexdigest() == id_ == made.schematic_id_of("cp-1")
    assert parse(changed(dev, {"talos.schematic": "ab" * 32})).schematics == {"ab" * 32: None}


def test_the_installer_of_a_secure_boot_is_the_signed_one(dev):
    assert (
        of(dev, secureboot=True).installer_of("cp-1") == f"factory.talos.dev/metal-installer-secureboot/{PLAIN}:v1.14.2"
    )
    assert (
        of(dev, secureboot=True, id="ab" * 32).installer_of("cp-1")
        == f"factory.talos.dev/metal-installer-secureboot/{'ab' * 32}:v1.14.2"
    )


def test_certificates_for_option_roms_make_the_id(dev):
    made = of(dev, secureboot=True, well_known_certificates=True)
    assert made.schematic_id_of("cp-1") == "fa8e05f142a851d3ee568eb0a8e5841eaf6b0ebc8df9a63df16ac5ed2c04f3e6"


def test_how_keys_are_enrolled_is_in_the_schematic_and_how_the_firmware_gets_them_is_not(dev):
    forced = of(dev, secureboot=True, enroll_keys="force", well_known_certificates=True)
    assert forced.uploads["schematic"] == (
        "customization:\n    secureboot:\n        enrollKeys: force\n        includeWellKnownCertificates: true\n"
    )
    plain = of(dev, secureboot=True, secureboot_keys="firmware")
    assert plain.schematic_id_of("cp-1") == of(dev).schematic_id_of("cp-1") == PLAIN
    assert plain.installer_of("cp-1") != of(dev).installer_of("cp-1")


@pytest.mark.parametrize(
    ("written", "text"),
    [("manual", "manual"), ("if-safe", "if-safe"), ("force", "force"), ("off", '"off"'), (False, '"off"')],
)
def test_each_way_to_enroll_keys_is_written_as_the_factory_reads_it(dev, written, text):
    made = of(dev, secureboot=True, enroll_keys=written).uploads["schematic"]
    assert made == f"customization:\n    secureboot:\n        enrollKeys: {text}\n"


def test_a_boot_from_the_network_has_the_schematics_arguments_before_its_own(prod):
    args = boot.profile(of(prod, kernel_args=["net.ifnames=0", "-console=tty0"]), "cp-1")["args"]
    assert args == [
        "initrd=initramfs-amd64.xz",
        "talos.platform=metal",
        "slab_nomerge",
        "pti=on",
        "consoleblank=0",
        "printk.devkmsg=on",
        "selinux=1",
        "module.sig_enforce=1",
        "proc_mem.force_override=never",
        "net.ifnames=0",
        "console=ttyS1",
    ]


def test_kernel_and_initramfs_follow_the_computed_id(dev):
    made = of(dev, kernel_args=["noapic", "nolapic"])
    assert (
        boot.assets(made, "cp-1")
        == "https://factory.talos.dev/image/9cba8e32753f91a16c1837ab8abf356af021706ef284aef07380780177d9a06c/v1.14.2"
    )
