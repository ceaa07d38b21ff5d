"""Each rule objects to what it is for, in the words expected, and to nothing else."""

from dataclasses import replace
from typing import Any

import conftest
import pytest

from core.machineconfig.base import base_texts
from core.machineconfig.documents import patches
from core.model import parse as parse_platform
from policy.rules import RULES
from policy.rules.field import UNKNOWN
from policy.rules.rule import Options
from tests.policy.cases import CASES
from tests.policy.good import GOOD
from tests.policy.support import RULE, Case, changed, complaints


@pytest.mark.parametrize("subject", GOOD)
def test_what_complies_passes_every_rule(subject: str) -> None:
    assert complaints(GOOD[subject]) == {}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_change_breaks_its_rule_alone(case: Case) -> None:
    found = complaints(changed(GOOD[case.subject], case.change))
    assert found.pop(case.rule, None) == [case.says, *case.more]
    assert sorted(found) == sorted(case.also)


def test_a_group_of_a_profile_of_the_same_plan_is_judged_by_the_rest() -> None:
    unknown = {"profile": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"}
    assert complaints(changed(GOOD["group"], unknown)) == {}
    assert list(complaints(changed(GOOD["group"], {**unknown, "name": "../x"}))) == ["boot-script-is-plain"]


def test_every_rule_is_broken_by_some_case() -> None:
    assert sorted(RULE.keys() - {case.rule for case in CASES}) == []


def test_names_are_unique() -> None:
    assert len(RULE) == len(RULES)


def test_the_engine_s_stand_ins_are_all_known() -> None:
    """A stand-in that this list lacks would be judged as if it were the value."""
    from pulumi_policy import proxy

    theirs = {value for name, value in vars(proxy).items() if name.startswith("UNKNOWN_")}
    assert theirs and all(UNKNOWN.fullmatch(value) for value in theirs)


@pytest.mark.parametrize("subject", GOOD)
def test_what_a_target_leaves_out_is_not_judged_by_its_inputs(subject: str) -> None:
    """The engine still asks about it, with no inputs but with its options."""
    assert complaints(replace(GOOD[subject], props={})) == {}


def test_what_a_target_leaves_out_is_judged_by_its_options() -> None:
    bare = replace(GOOD["pki"], props={}, options=Options())
    assert complaints(bare)["talos-secrets-are-protected"] == [
        "it is not protected, so a destroy or a replacement deletes the cluster's PKI",
        "talosVersion is not in ignore_changes, so lowering it replaces the PKI",
    ]
    stray = replace(GOOD["vm"], props={}, options=Options(provider="default_4_25_0"))
    assert list(complaints(stray)) == ["object-goes-to-its-cluster"]


@pytest.mark.parametrize("contract", ["v1.12", "v1.13", "v1.14"])
@pytest.mark.parametrize("shared", [True, False])
def test_control_planes_run_alone_in_each_contract_as_the_stack_file_says(
    prod: Any, contract: str, shared: bool
) -> None:
    edits = {"talos.contract": contract, "talos.schedulable_control_planes": shared}
    platform = parse_platform(conftest.changed(prod, edits))
    for name, machine in platform.machines.items():
        texts = [*patches(platform, name)]
        props = {"base": base_texts(platform, machine.role), "configPatches": texts}
        found = list(RULE["talos-control-plane-runs-alone"].check(replace(GOOD["machine"], props=props)))
        assert len(found) == (shared and machine.role == "controlplane"), found
