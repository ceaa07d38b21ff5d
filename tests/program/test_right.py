"""Unusual stack files that are right are planned by the whole program, and break no rule."""

import pytest
from conftest import changed, stack_platform

from policy.rules import RULES
from tests.model.test_right import CASES
from tests.policy.support import resources


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_an_unusual_stack_file_is_planned_and_breaks_no_rule(case):
    planned = resources(changed(stack_platform(case["from"]), case["set"]))
    assert any(resource.type == "bedplate-native:talos:MachineConfig" for resource in planned)
    broken = [m for one in planned for rule in RULES if rule.level != "opt-in" for m in rule.complaints(one)]
    assert broken == []
