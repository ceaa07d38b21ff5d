"""The steps for a person at a rack, with nothing else at hand."""

import pytest
from conftest import changed, plain, run_program

from core.boot.manual import steps
from core.model import parse

EMPTY = "376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba"
BY_HAND = "bedplate-native:metal:ByHand"


def test_a_machine_that_the_boot_server_knows(prod):
    where = {"site": "fra1", "rack": "r12", "unit": 7}
    raw = changed(
        prod, {"machines.wk-1.bmc": None, "machines.wk-1.location": where, "machines.wk-1.serial": "CZJ2340ABC"}
    )
    iso = f"https://factory.prod.example.com/image/{EMPTY}/v1.14.2/metal-amd64.iso"
    assert list(steps(parse(raw), "wk-1")) == [
        "find wk-1: site fra1, rack r12, unit 7, serial number CZJ2340ABC, MAC 0c:c4:7a:00:02:01",
        "boot it once from the network, over 0c:c4:7a:00:02:01, and keep the disk first in its boot order; "
        f"or boot it once from {iso}",
        "if that URL answers 404, send the factory the schematic: it is the stack's output schematic",
        "its screen must show Talos in maintenance mode and the address 10.20.0.21; if it shows another address, "
        "reserve 10.20.0.21 for 0c:c4:7a:00:02:01 in DHCP, and boot it again",
        "leave it in maintenance mode: up waits for it, and continues when it answers",
    ]


def test_a_machine_that_no_boot_server_knows(dev):
    raw = changed(
        dev,
        {
            "boot": None,
            "talos.schematic": {"secureboot": True},
            "machines.cp-1.link": "eno1",
            "machines.cp-1.mac": None,
        },
    )
    told = list(steps(parse(raw), "cp-1"))
    assert told[0] == "find cp-1: the stack file says neither where it is nor its serial number"
    assert (
        "/v1.14.2/metal-amd64-secureboot.iso, on a USB stick or as virtual media, with eno1 on the node network"
        in told[1]
    )


def test_a_schematic_that_is_an_id_is_the_makers_to_send(dev):
    assert "404" not in "".join(steps(parse(changed(dev, {"talos.schematic": EMPTY})), "cp-1"))


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_every_machine_is_booted_by_its_bmc_or_by_hand(stack, request):
    raw = changed(request.getfixturevalue(stack), {"machines.wk-1.bmc": None} if stack == "prod" else {})
    engine = run_program(raw).engine
    by_hand, by_bmc = engine.of(BY_HAND), engine.of("bedplate-native:metal:Power")
    assert sorted([*by_hand, *by_bmc]) == sorted(f"metal-{name}" for name in raw["machines"])
    for name, inputs in by_hand.items():
        machine = raw["machines"][name.removeprefix("metal-")]
        assert plain(inputs)["hardware"] == {"mac": machine["mac"]} and inputs["generation"] == 1


def test_steps_name_a_mirror_and_nobody_outside(prod):
    """In a stack with no way out, a step that needs the internet can't be done."""
    told = " ".join(steps(parse(prod), "cp-1"))
    assert "factory.prod.example.com" in told and "talos.dev" not in told
