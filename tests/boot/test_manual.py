"""The manual steps for a person at a rack who has nothing else at hand."""

import pytest
from conftest import changed, plain, run_program

from core.boot.manual import steps
from core.model import parse

EMPTY = "376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba"
BY_HAND = "bedplate-native:metal:ByHand"


def test_the_steps_for_a_machine_with_a_boot_server(prod):
    where = {"site": "fra1", "rack": "r12", "unit": 7}
    raw = changed(
        prod, {"machines.wk-1.bmc": None, "machines.wk-1.location": where, "machines.wk-1.serial": "CZJ2340ABC"}
    )
    iso = f"https://factory.prod.example.com/image/{EMPTY}/v1.14.2/metal-amd64.iso"
    assert list(steps(parse(raw), "wk-1")) == [
        "find wk-1: site fra1, rack r12, unit 7, serial number CZJ2340ABC, MAC 0c:c4:7a:00:02:01",
        "boot it once from the network, over 0c:c4:7a:00:02:01, and keep the disk first in its boot order; "
        f"or boot it once from {iso}",
        "if that URL answers 404, send the factory the schematic: "
        "./bedplate boot STACK FOLDER writes it to a file and prints the command",
        "its screen must show Talos in maintenance mode and the address 10.20.0.21; if it shows another address, "
        "reserve 10.20.0.21 for 0c:c4:7a:00:02:01 in DHCP, and boot it again",
        "leave it in maintenance mode: up waits for it, and continues when it answers",
    ]


def test_the_steps_for_a_machine_without_a_boot_server(dev):
    raw = changed(
        dev,
        {
            "boot": None,
            "talos.schematic": {"secureboot": True},
            "machines.cp-1.link": "eno1",
            "machines.cp-1.mac": None,
        },
    )
    lines = list(steps(parse(raw), "cp-1"))
    assert lines[0] == "find cp-1: the stack file says neither where it is nor its serial number"
    assert (
        "/v1.14.2/metal-amd64-secureboot.iso, on a USB stick or as virtual media, with eno1 on the node network"
        in lines[2]
    )


@pytest.mark.parametrize(
    ("schematic", "step", "network"),
    [
        ({}, "put its firmware into SecureBoot's setup mode, by deleting the platform key in its menu", False),
        ({"enroll_keys": "manual"}, "and choose Enroll Secure Boot keys: auto in the ISO's boot menu", False),
        ({"enroll_keys": "force"}, "the ISO enrolls the keys by itself and restarts the machine", False),
        ({"enroll_keys": "off"}, "enroll the keys of its images in its firmware and turn SecureBoot on", False),
        ({"secureboot_keys": "firmware"}, "turn SecureBoot on in its firmware, which must have its images' keys", True),
    ],
)
def test_secureboot_is_turned_on_before_the_machine_boots(dev, schematic, step, network):
    lines = list(steps(parse(changed(dev, {"talos.schematic": {"secureboot": True, **schematic}})), "cp-1"))
    assert step in lines[1]
    assert ("boot it once from the network" in lines[2]) == network


def test_the_steps_for_a_schematic_given_as_an_id_name_no_upload(dev):
    assert "404" not in "".join(steps(parse(changed(dev, {"talos.schematic": EMPTY})), "cp-1"))


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_every_machine_is_booted_by_its_bmc_or_manually(stack, request):
    raw = changed(request.getfixturevalue(stack), {"machines.wk-1.bmc": None} if stack == "prod" else {})
    engine = run_program(raw).engine
    by_hand, by_bmc = engine.of(BY_HAND), engine.of("bedplate-native:metal:Power")
    assert sorted([*by_hand, *by_bmc]) == sorted(f"metal-{name}" for name in raw["machines"])
    for name, inputs in by_hand.items():
        machine = raw["machines"][name.removeprefix("metal-")]
        assert plain(inputs)["hardware"] == {"mac": machine["mac"]} and inputs["generation"] == 1


def test_the_steps_name_the_mirror_and_no_host_outside(prod):
    """In an air-gapped stack, nobody can follow a step that needs the internet."""
    text = " ".join(steps(parse(prod), "cp-1"))
    assert "factory.prod.example.com" in text and "talos.dev" not in text
