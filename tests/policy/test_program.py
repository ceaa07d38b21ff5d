"""The platform's own objects pass, with no more exceptions than they need."""

from collections import Counter
from dataclasses import replace

import pytest

from policy.rules import RULES
from policy.rules.exceptions import EXCEPTIONS
from policy.rules.rule import Resource
from tests.policy.support import RULE, planned

STACKS = ("dev", "prod", "volumes", "disks")


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_breaks_no_rule(stack: str) -> None:
    broken = [
        message for resource in planned(stack) for rule in RULES if rule.level != "opt-in"
        for message in rule.complaints(resource)
    ]  # fmt: skip
    assert broken == []


def without_exceptions(rule: str, resource: Resource) -> list[str]:
    return list(RULE[rule].judge(resource)) if RULE[rule].applies(resource.type) else []


@pytest.mark.parametrize("exempt", EXCEPTIONS, ids=lambda e: f"{e.rule}-{e.name}")
def test_an_exception_is_needed(exempt) -> None:  # type: ignore[no-untyped-def]
    covered = [
        resource
        for stack in STACKS
        for resource in planned(stack)
        if (resource.kind, resource.namespace, resource.object_name) == (exempt.kind, exempt.namespace, exempt.name)
    ]
    assert covered, "no object of that name"
    assert all(without_exceptions(exempt.rule, resource) for resource in covered), "the object complies without it"


def test_exceptions_are_for_one_object_each_and_say_why() -> None:
    assert Counter((e.rule, e.kind, e.namespace, e.name) for e in EXCEPTIONS).most_common(1)[0][1] == 1
    for exempt in EXCEPTIONS:
        assert exempt.rule in RULE and exempt.kind in RULE[exempt.rule].kinds
        assert exempt.name and "*" not in exempt.name + exempt.namespace
        assert len(exempt.reason) > 30


@pytest.mark.parametrize("exempt", EXCEPTIONS, ids=lambda e: f"{e.rule}-{e.name}")
def test_a_neighbour_of_an_exception_is_judged(exempt) -> None:  # type: ignore[no-untyped-def]
    """An exception that covered a namespace would cover whatever lands there next."""
    resource = next(r for r in planned("volumes") if r.kind == exempt.kind and r.object_name == exempt.name)
    props = {**resource.props, "metadata": {**resource.props["metadata"], "name": f"{exempt.name}-2"}}
    assert list(RULE[exempt.rule].complaints(replace(resource, props=props)))


def test_the_plan_reaches_every_layer() -> None:
    """Guards the tests above: a program that registers nothing breaks no rule."""
    kinds = {resource.kind for resource in planned("prod")}
    assert kinds >= {
        "talos:machine/secrets:Secrets",
        "bedplate-native:talos:MachineConfig",
        "matchbox:index/profile:Profile",
        "helm.sh:Release",
        "kubevirt.io:KubeVirt",
        "kubevirt.io:VirtualMachine",
        "core:Secret",
        "apps:Deployment",
    }
