"""An exception that the stack file records excuses its control, on its machines, and nothing else."""

import json
from datetime import date

import pytest
from conftest import changed, stack_platform
from hypothesis import given
from hypothesis import strategies as st

from core.machineconfig.documents import patches
from core.model import Platform, parse
from core.model.exceptions import CONTROLS
from policy.rules import RULES
from policy.rules.rule import MACHINE, Resource

PROFILING = {"cluster": {"apiServer": {"extraArgs": {"profiling": "true"}}}}
EXCEPTION = {
    "control": "CIS 1.2.15",
    "reason": "The profiler of vendor X reads it.",
    "until": "2026-12-31",
    "ticket": "OPS-1",
}
TODAY = date(2026, 11, 1)


def complaints(platform: Platform, name: str) -> list[str]:
    machine = Resource(type=MACHINE, name=name, props={"configPatches": patches(platform, name)})
    return [message for rule in RULES if rule.level == "mandatory" for message in rule.complaints(machine)]


def with_patches(*added: dict, **more: object) -> Platform:
    return parse(changed(stack_platform("prod"), {"talos.patches": list(added), **more}), TODAY)


def test_a_patch_that_loosens_a_control_is_refused_without_an_exception():
    (message,) = complaints(with_patches(PROFILING), "cp-1")
    assert "cluster.apiServer.extraArgs.profiling must stay false" in message


def test_a_users_audit_policy_is_judged_without_the_platforms_own():
    """Talos replaces the whole of it: ours behind it would only look as if it were there."""
    (message,) = complaints(
        with_patches({"cluster": {"apiServer": {"auditPolicy": {"rules": [{"level": "None"}]}}}}), "cp-1"
    )
    assert "cluster.apiServer.auditPolicy records nothing" in message


def test_a_recorded_exception_excuses_its_control_alone():
    loose = with_patches(
        PROFILING, {"machine": {"kubelet": {"extraConfig": {"podPidsLimit": -1}}}}, exceptions=[EXCEPTION]
    )
    (message,) = complaints(loose, "cp-1")
    assert "podPidsLimit" in message


def test_an_exception_for_one_machine_is_for_no_other():
    loose = with_patches(PROFILING, exceptions=[{**EXCEPTION, "machines": ["cp-2"]}])
    assert [bool(complaints(loose, name)) for name in loose.controlplanes] == [True, False, True]


def test_a_rule_of_several_controls_wants_all_of_them_excepted():
    patch = {"cluster": {"apiServer": {"extraArgs": {"authorization-mode": "Node,RBAC,AlwaysAllow"}}}}
    rows = [{**EXCEPTION, "control": f"CIS 1.2.{row}"} for row in (6, 7, 8)]
    assert complaints(with_patches(patch, exceptions=rows[:2]), "cp-1")
    assert not complaints(with_patches(patch, exceptions=rows), "cp-1")


def test_an_exception_is_seen_on_the_node():
    """By whoever looks at the machine, not only by whoever looks at the file."""
    text = " ".join(patches(with_patches(exceptions=[EXCEPTION]), "wk-1"))
    assert '"bedplate/exception-cis-1.2.15": "until 2026-12-31: OPS-1"' in text


def test_every_control_of_a_machines_rules_can_be_excepted_and_no_other():
    judged = {control for rule in RULES if MACHINE in rule.kinds for control in rule.controls}
    assert set(CONTROLS) == judged


@given(st.sampled_from([rule for rule in RULES if MACHINE in rule.kinds and not rule.controls]))
def test_what_has_no_control_is_never_excused(rule):
    marks = {mark(control): "x" for control in CONTROLS}
    machine = Resource(
        type=MACHINE, name="m", props={"configPatches": [json.dumps({"machine": {"nodeAnnotations": marks}})]}
    )
    assert not rule.recorded(machine)


def mark(control: str) -> str:
    return f"bedplate/exception-{control.lower().replace(' ', '-')}"


@pytest.mark.parametrize("stack", ["dev", "prod"])
@pytest.mark.parametrize("contract", ["v1.13", "v1.14"])
def test_a_stack_breaks_no_rule_in_another_contract(stack, contract):
    platform = parse(stack_platform(stack))
    platform = platform.model_copy(update={"talos": platform.talos.model_copy(update={"contract": contract})})
    assert [message for name in platform.machines for message in complaints(platform, name)] == []


UNPROVEN = ("CIS 1.2.5", "CIS 4.2.9", "CIS 4.2.11")


@pytest.mark.parametrize(("serving", "complies"), [("cluster", True), ("self-signed", False)])
def test_kubelets_that_sign_for_themselves_are_seen(serving, complies):
    """In both contracts, with their exceptions set aside: the rule must not pass for their sake alone."""
    (rule,) = [rule for rule in RULES if rule.name == "kubelet-proves-who-it-is"]
    for contract in ("v1.12", "v1.14"):
        platform = parse(
            changed(
                stack_platform("prod"),
                {
                    "talos.extras": {"serving_certificates": serving},
                    "exceptions": [{**EXCEPTION, "control": c} for c in UNPROVEN],
                },
            )
        )
        platform = platform.model_copy(update={"talos": platform.talos.model_copy(update={"contract": contract})})
        for name in platform.machines:
            machine = Resource(type=MACHINE, name=name, props={"configPatches": patches(platform, name)})
            assert (list(rule.judge(machine)) == []) is complies, (contract, name)
