"""What a plan tells a person to do, and when it does."""

import asyncio

import pytest

from provider import framework
from provider.resources import RESOURCES

BY_HAND = RESOURCES["bedplate-native:metal:ByHand"]
GIVEN = {"generation": 1.0, "hardware": {"mac": "52:54:00:aa:00:01"}, "steps": ["find it", "boot it"]}
TEXT = "boot it by hand, unless that is already done for install.generation 1:\n1. find it\n2. boot it"


def test_the_steps_are_told_in_the_plan_and_in_the_update():
    assert BY_HAND.describe_change(GIVEN) == TEXT
    said = []
    assert asyncio.run(BY_HAND.create(GIVEN, said.append)) == ("by-hand", GIVEN)
    assert said == TEXT.splitlines()


@pytest.mark.parametrize("changes", [{"steps": ["a newer image"]}, {}, {"generation": 0.0}])
def test_nothing_is_told_where_there_is_nothing_to_do(changes):
    assert BY_HAND.describe_change({**GIVEN, **changes}, GIVEN) is None


@pytest.mark.parametrize("changes", [{"generation": 2.0}, {"hardware": {"mac": "52:54:00:aa:00:02"}}])
def test_another_permit_and_another_machine_are_told_again(changes):
    assert BY_HAND.describe_change({**GIVEN, **changes}, GIVEN).endswith("\n1. find it\n2. boot it")


def test_a_generation_of_0_permits_nothing():
    assert BY_HAND.describe_change({**GIVEN, "generation": 0.0}) is None


def test_what_nobody_could_read_is_refused():
    assert [w.property for w in BY_HAND.check({})] == ["generation", "hardware", "steps"]
    assert BY_HAND.check(dict.fromkeys(GIVEN, framework.UNKNOWN)) == []
    assert BY_HAND.describe_change(dict.fromkeys(GIVEN, framework.UNKNOWN)) is None
