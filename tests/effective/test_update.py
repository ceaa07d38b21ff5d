"""What a plan says of one machine's update, from the inputs of its resources alone."""

import json
from typing import Any

import pytest

from core.effective.update import update
from core.machineconfig.base import base_texts
from core.machineconfig.documents import patches
from core.model import Platform
from provider.resources.identity import Identity
from tests.effective.platforms import document, patched

CONTRACTS = ("v1.12", "v1.13", "v1.14")


def inputs(platform: Platform, name: str) -> dict[str, Any]:
    base = base_texts(platform, platform.machines[name].role)
    address = str(platform.machines[name].address)
    return {"machine": name, "node": address, "base": base, "documents": patches(platform, name)}


def described(before: Platform, after: Platform, name: str = "cp-1") -> str | None:
    return Identity().describe_change(inputs(after, name), inputs(before, name))


def flag(contract: str, name: str, value: str) -> dict[str, Any]:
    if contract == "v1.14":
        return document("KubeAPIServerConfig", extraArgs={name: value})
    return {"cluster": {"apiServer": {"extraArgs": {name: value}}}}


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_plan_says_which_flag_changes_from_talos_own_value(contract):
    before, after = patched(contract=contract), patched(flag(contract, "audit-log-maxage", "60"), contract=contract)
    first, field, effect = str(described(before, after)).splitlines()
    assert first == "cp-1 takes, with no reboot, another config:"
    assert field.endswith("extraArgs.audit-log-maxage: (none) -> 60")
    assert effect.startswith("    in effect: kube-apiserver --audit-log-maxage: 30 -> 60")
    assert described(before, after, "wk-1") is None


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_plan_says_that_a_default_which_is_written_out_has_no_effect(contract):
    before, after = patched(contract=contract), patched(flag(contract, "audit-log-maxage", "30"), contract=contract)
    _, field = str(described(before, after)).splitlines()
    assert field.endswith("extraArgs.audit-log-maxage: (none) -> 30; no effect")


def test_the_plan_of_another_release_says_which_defaults_change():
    before, after = patched(version="v1.13.3"), patched(version="v1.14.2")
    lines = str(described(before, after)).splitlines()
    assert (
        "    in effect: kube-apiserver --tls-min-version: VersionTLS12 -> VersionTLS13; the default of Talos v1.14.2"
        in lines
    )
    assert len(str(described(before, after, "wk-1")).splitlines()) == 2


def test_the_plan_does_not_call_what_follows_from_a_key_a_default():
    services = document("KubeNetworkConfig", serviceSubnets=["10.99.0.0/16"])
    lines = str(described(patched(contract="v1.14"), patched(services, contract="v1.14"))).splitlines()
    assert "    in effect: kube-apiserver --service-cluster-ip-range: 10.96.0.0/16 -> 10.99.0.0/16" in lines


def test_parts_of_a_config_come_to_nothing_that_is_known():
    made = update("a", "", {"documents": ["{}"]}, {"documents": [json.dumps({"machine": {"nodeLabels": {"a": "b"}}})]})
    assert [(each.path, each.effect) for each in made.differences] == [("machine.nodeLabels.a", True)]
    assert made.effects == []


def test_a_secret_is_in_no_line():
    after = patched(
        flag("v1.12", "oidc-client-secret", "hunter2"), flag("v1.12", "audit-webhook", "https://u:hunter2@h")
    )
    said = str(described(patched(), after))
    assert "hunter2" not in said and said.count("(secret)") == 2
