"""Machines with a BMC in the whole program: the order, the credentials, and what is refused."""

import json

import pulumi
import pytest
from conftest import changed, is_secret, plain, run_program

POWER = "bedplate-native:metal:Power"
PERMIT = "bedplate-native:metal:Permit"
JOURNAL = "bedplate-native:metal:Journal"
MATCHBOX = {
    "bedplate:matchbox": '{"ca": "CA", "certificate": "CERT", "key": "KEY", "hosts": "matchbox.prod.example.com"}'
}
HOSTS = "*.bmc.prod.example.com"


def given(**bmc):
    return {**MATCHBOX, "bedplate:bmc": json.dumps({"hosts": HOSTS, **bmc})}


@pytest.mark.parametrize("preview", [True, False])
def test_a_machine_is_switched_on_after_its_boot_files_and_configured_after_that(prod, preview):
    needs = run_program(prod, preview, given(username="u", password="p")).graph.needs
    for name in ("cp-1", "wk-2"):
        assert f"matchbox:index/group:Group::metal-{name}" in needs[f"{PERMIT}::metal-{name}"]
        # The journal is in the state before a BMC gets an order.
        assert f"{JOURNAL}::metal-{name}" in needs[f"{PERMIT}::metal-{name}"]
        # The permit is in the state before a machine is switched on.
        assert f"{PERMIT}::metal-{name}" in needs[f"{POWER}::metal-{name}"]
        assert f"{POWER}::metal-{name}" in needs[f"bedplate-native:talos:MachineConfig::talos-{name}"]


def test_power_has_the_settings_of_the_stack_file(prod):
    # The disks of prod are sealed to the TPM, which needs UEFI.
    prod["talos"]["disk_encryption"] = "none"
    edits = {"wk-1.bmc.fingerprint": "AB:" * 31 + "AB", "wk-1.bmc.boot_mode": "legacy", "wk-1.install.generation": 3}
    prod = changed(prod, {f"machines.{path}": value for path, value in edits.items()})
    prod = changed(prod, {"boot.power.at_once": 5})
    engine = run_program(prod, config=given(username="u", password="p")).engine
    powers = engine.of(POWER)
    assert {name: plain(inputs) for name, inputs in engine.of(PERMIT).items()} == {
        name: plain(inputs) for name, inputs in powers.items()
    }
    assert engine.of(JOURNAL) == engine.of(PERMIT)
    assert plain(powers["metal-wk-1"]) == {
        "url": "https://wk-1.bmc.prod.example.com",
        "system": "System.Embedded.1",
        "username": "u",
        "password": "p",
        "fingerprint": "ab" * 32,
        "generation": 3,
        "bootMode": "legacy",
        "timeoutSeconds": 600,
        "atOnce": 5,
        "secondsBetween": 1,
    }
    assert all(is_secret(inputs["username"]) and is_secret(inputs["password"]) for inputs in powers.values())
    assert (powers["metal-cp-1"]["generation"], powers["metal-cp-1"]["bootMode"]) == (1, "uefi")


def test_a_machine_can_have_its_own_credentials(prod):
    powers = run_program(
        prod, False, given(username="u", password="p", machines={"cp-2": {"password": 4711}})
    ).engine.of(POWER)
    seen = {name: (plain(i["username"]), plain(i["password"])) for name, i in powers.items()}
    assert (seen["metal-cp-1"], seen["metal-cp-2"]) == (("u", "p"), ("u", "4711"))


def test_a_plan_needs_no_credentials_and_up_names_the_missing_ones(prod):
    assert len(run_program(prod, True).engine.of(POWER)) == 5
    with pytest.raises(pulumi.RunError) as refused:
        run_program(prod, False, given(username="u", machines={"cp-1": {"password": "p"}}))
    assert str(refused.value) == (
        "bedplate:bmc.password: is missing for cp-2, cp-3, wk-1, wk-2; a BMC refuses requests without it; "
        "./bedplate pulumi config set --secret --path 'bedplate:bmc.password' --stack test"
    )


def test_credentials_for_a_machine_that_has_no_bmc_are_refused(prod):
    with pytest.raises(pulumi.RunError) as refused:
        run_program(prod, True, given(username="u", password="secret-p", machines={"cp-9": {"password": "secret-q"}}))
    assert str(refused.value) == (
        "bedplate:bmc.machines.cp-9: is not a machine with a bmc; its own credentials would silently not be used; "
        "write one of cp-1, cp-2, cp-3, wk-1, wk-2"
    )


def test_a_machine_without_a_bmc_is_configured_after_its_manual_steps(dev, prod):
    alone = run_program(dev).engine
    assert alone.of(POWER) == alone.of(PERMIT) == {}
    one = run_program(changed(prod, {"machines.wk-1.bmc": None}))
    assert sorted(one.engine.of(POWER)) == ["metal-cp-1", "metal-cp-2", "metal-cp-3", "metal-wk-2"]
    apply = "bedplate-native:talos:MachineConfig::talos-wk-1"
    assert "bedplate-native:metal:ByHand::metal-wk-1" in one.graph.needs[apply]
    assert "matchbox:index/group:Group::metal-wk-1" in one.graph.needs["bedplate-native:metal:ByHand::metal-wk-1"]
