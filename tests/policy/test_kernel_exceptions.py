"""A recorded exception to KSPP holds for kernel arguments too, on its machines, and for no forbidden one."""

from datetime import date
from typing import Any

import pytest
from conftest import changed, run_program, stack_platform

from core.model import StackFileError, parse
from policy.rules import RULES
from policy.rules.rule import Resource

EXCEPTION = {
    "control": "KSPP",
    "reason": "A lab that runs no code of others.",
    "until": "2027-03-31",
    "ticket": "LAB-1",
}
TODAY = date(2026, 11, 1)
LISTS = {"matchbox:index/profile:Profile": "args", "bedplate-native:talos:Release": "kernelArguments"}


def planned(raw: dict[str, Any]) -> list[Resource]:
    """Each resource of a plan that lists kernel arguments."""
    engine = run_program(raw).engine
    return [Resource(type=kind, name=name, props=inputs) for kind in LISTS for name, inputs in engine.of(kind).items()]


def complaints(resource: Resource) -> list[str]:
    return [message for rule in RULES if rule.level == "mandatory" for message in rule.complaints(resource)]


@pytest.mark.parametrize("boot", [{}, {"boot": None}])
@pytest.mark.parametrize("argument", ["mitigations=off", "-init_on_alloc", "talos.auditd.disabled=1"])
def test_a_recorded_exception_is_honoured_with_and_without_network_boot(argument, boot):
    raw = changed(
        stack_platform("dev"),
        {"talos.schematic": {"kernel_args": [argument]}, "exceptions": [EXCEPTION], **boot},
    )
    resources = planned(raw)
    assert len(resources) == (1 if boot else 2)
    for resource in resources:
        assert complaints(resource) == []
        assert resource.props[LISTS[resource.type]][-1] == "bedplate.exception-kspp=2027-03-31"


def test_a_platform_that_weakens_nothing_has_no_mark():
    for resource in planned(changed(stack_platform("dev"), {"exceptions": [EXCEPTION]})):
        assert not any("bedplate" in argument for argument in resource.props[LISTS[resource.type]])


def test_without_the_mark_the_same_list_is_a_violation():
    raw = changed(
        stack_platform("dev"), {"talos.schematic": {"kernel_args": ["mitigations=off"]}, "exceptions": [EXCEPTION]}
    )
    for resource in planned(raw):
        args = resource.props[LISTS[resource.type]][:-1]
        assert any(
            "mitigations=off disables a defence" in message
            for message in complaints(
                Resource(type=resource.type, name=resource.name, props={**resource.props, LISTS[resource.type]: args})
            )
        )


def test_an_exception_for_other_machines_excuses_nothing():
    raw = changed(
        stack_platform("prod"),
        {
            "talos.schematic": {"kernel_args": ["mitigations=off"]},
            "exceptions": [{**EXCEPTION, "machines": ["wk-1"]}],
        },
    )
    with pytest.raises(StackFileError, match=r"platform\.talos\.schematic\.kernel_args\.0: mitigations=off disables"):
        parse(raw, TODAY)


def test_what_is_excepted_for_some_machines_stands_in_their_schematic():
    raw = changed(
        stack_platform("prod"),
        {
            "machines.wk-1.schematic": {"kernel_args": ["mitigations=off"]},
            "exceptions": [{**EXCEPTION, "machines": ["wk-1"]}],
        },
    )
    marked = {
        resource.name
        for resource in planned(raw)
        if any("bedplate.exception" in argument for argument in resource.props[LISTS[resource.type]])
    }
    assert marked == {"metal-wk-1", "talos-wk-1"}
    assert all(complaints(resource) == [] for resource in planned(raw))
