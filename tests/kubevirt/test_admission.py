"""What the model accepts, KubeVirt accepts; and what KubeVirt refuses by a rule that the model has, both refuse."""

from typing import Any

import pytest
from conftest import changed, stack_platform

from clients.judge import Judge
from core.model import Platform, parse
from tests.kubevirt.guests import Guests, admission, objects

pytestmark = pytest.mark.programs

PLATFORMS = 10
GUESTS = 200
"""Virtual machines of each platform."""


def platform(number: int) -> Platform:
    """A platform with generated virtual machines: of one machine or of several, with emulation or without."""
    stack = ("dev", "prod")[number % 2]
    emulated = {"kubevirt.emulation": number % 4 < 2}
    return parse(changed(stack_platform(stack), {"vms": Guests(number).declared(GUESTS), **emulated}))


def faults(answer: dict[str, Any]) -> list[str]:
    """Why an object is refused."""
    return [f"{cause['by']}: {cause['field']}: {cause['message']}" for cause in answer["causes"] or ()]


def test_kubevirt_refuses_no_vm_of_the_model(judge: Judge):
    platforms = [platform(number) for number in range(PLATFORMS)]
    asked = [(name, admission(each, made)) for each in platforms for name, made in objects(each).items()]
    assert len(asked) >= 2000
    refused = {}
    for (name, question), answer in zip(asked, judge.ask([question for _, question in asked]), strict=True):
        assert not answer["error"], (name, answer["error"])
        assert not answer["warnings"], (name, answer["warnings"])
        if found := faults(answer):
            refused[name] = (found, question["object"])
    assert not refused, (len(refused), *list(refused.items())[:3])


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_kubevirt_accepts_the_vms_of_the_stacks(judge: Judge, stack: str):
    known = parse(stack_platform(stack))
    answers = judge.ask([admission(known, made) for made in objects(known).values()])
    assert answers and not [answer for answer in answers if answer["error"] or answer["causes"]]
