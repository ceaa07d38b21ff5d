"""What the model accepts, KubeVirt accepts; and what KubeVirt refuses by a rule that the model has, both refuse."""

from typing import Any

import pytest
from conftest import changed, stack_platform

from core.model import Platform, parse
from tests.kubevirt.guests import (
    IMAGES_OF_DISKS,
    NETWORKS,
    STORAGE,
    Guests,
    admission,
    copied,
    disks,
    images,
    objects,
)
from tests.machineconfig.judge import Judge

pytestmark = pytest.mark.programs

PLATFORMS = 10
GUESTS = 200
"""Virtual machines of each platform."""


def platform(number: int) -> Platform:
    """A platform with generated virtual machines: of one machine or of several, with emulation or without."""
    stack = ("dev", "prod")[number % 2]
    emulated = {"kubevirt.emulation": number % 4 < 2}
    declared = {
        "storage": STORAGE,
        "images": IMAGES_OF_DISKS,
        "vm_networks": NETWORKS,
        "vms": Guests(number).declared(GUESTS),
    }
    return parse(changed(stack_platform(stack), {**declared, **emulated}))


@pytest.fixture(scope="module")
def platforms() -> list[Platform]:
    return [platform(number) for number in range(PLATFORMS)]


def faults(answer: dict[str, Any]) -> list[str]:
    """Why an object is refused."""
    return [f"{cause['by']}: {cause['field']}: {cause['message']}" for cause in answer["causes"] or ()]


def test_kubevirt_refuses_no_vm_of_the_model(judge: Judge, platforms: list[Platform]):
    asked = [(name, admission(each, made)) for each in platforms for name, made in objects(each).items()]
    assert len(asked) >= 2000
    assert refusals(judge, asked) == {}


def test_cdi_refuses_no_disk_of_the_model(judge: Judge, platforms: list[Platform]):
    # CDI checks that what it copies is there.
    others = [*copied("vms"), *copied("images")]
    asked = []
    for each in platforms:
        for made in disks(each):
            about = made["metadata"]
            there = [*others, *copied(about["namespace"])] if about["namespace"] not in ("vms", "images") else others
            asked.append((about["name"], {"ask": "admit", "object": made, "others": there}))
    assert len(asked) >= 3000
    assert refusals(judge, asked) == {}


def test_cdi_refuses_no_image_of_the_model(judge: Judge, platforms: list[Platform]):
    asked = [(made["metadata"]["name"], {"ask": "admit", "object": made}) for made in images(platforms[0])]
    assert {question["object"]["kind"] for _, question in asked} == {"DataVolume", "DataImportCron"}
    assert refusals(judge, asked) == {}


def test_cdi_refuses_a_followed_image_without_its_schedule_or_its_name(judge: Judge, platforms: list[Platform]):
    """The judge reads these fields: without them, an object that is right otherwise is refused."""
    made = next(each for each in images(platforms[0]) if each["kind"] == "DataImportCron")
    for edit in ({"schedule": "0 3 * *"}, {"managedDataSource": ""}, {"importsToKeep": -1}):
        (answer,) = judge.all([{"ask": "admit", "object": {**made, "spec": {**made["spec"], **edit}}}])
        assert answer["causes"], edit


def refusals(judge: Judge, asked: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """Objects that are refused: name to the reasons and the object. Warnings count."""
    refused = {}
    for (name, question), answer in zip(asked, judge.all([question for _, question in asked]), strict=True):
        assert not answer["error"], (name, answer["error"])
        assert not answer["warnings"], (name, answer["warnings"])
        if found := faults(answer):
            refused[name] = (found, question["object"])
    return refused


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_kubevirt_accepts_the_vms_of_the_stacks(judge: Judge, stack: str):
    known = parse(stack_platform(stack))
    answers = judge.all([admission(known, made) for made in objects(known).values()])
    assert answers and not [answer for answer in answers if answer["error"] or answer["causes"]]
