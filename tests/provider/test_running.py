"""The first `up` of a state that recorded no network: the guard compares with what the control planes run."""

import asyncio

import pytest
from conftest import changed, stack_platform

from core.machineconfig import running as settings
from core.model import parse
from provider import framework, running
from provider.resources import RESOURCES
from tests.controlplanes import Controlplanes

GUARD = RESOURCES["bedplate-native:talos:Guard"]
PROD = stack_platform("prod")


@pytest.fixture
def cluster(monkeypatch):
    def stands(edits, **more):
        monkeypatch.setattr(running, "client_of", lambda inputs: Controlplanes(parse(changed(PROD, edits)), **more))

    return stands


def inputs(edits=None):
    platform = parse(changed(PROD, edits or {}))
    return {
        "platform": platform.name,
        "controlplanes": {name: str(platform.machines[name].address) for name in platform.controlplanes},
        "machines": {name: machine.role for name, machine in platform.machines.items()},
        "leaving": {},
        "network": settings.declared(platform),
        "accepted": settings.accepted(platform),
        "clientConfiguration": {},
    }


def create(given):
    said = []
    asyncio.run(GUARD.create(given, said.append))
    return said


def update(given, state):
    said = []
    asyncio.run(GUARD.update("prod", state, given, said.append))
    return said


def test_an_equal_cluster_is_taken_over(cluster):
    cluster({}, silent=("cp-2",))
    assert create(inputs()) == ["endpoint, issuer and networks are those that cp-1 and cp-3 run with"]


def test_a_new_platform_is_compared_with_nothing(cluster):
    cluster({}, silent=("cp-1", "cp-2", "cp-3"))
    assert create(inputs()) == []


@pytest.mark.parametrize(
    ("edits", "key"),
    [
        ({"network.endpoint": "10.20.0.9"}, "endpoint"),
        ({"network.endpoint": "k8s.prod.example.com"}, "endpoint"),
        ({"network.pods": "10.240.0.0/16"}, "pods"),
        ({"network.services": "10.97.0.0/16"}, "services"),
    ],
)
def test_another_cluster_is_left_alone(cluster, edits, key):
    cluster(edits, silent=("cp-1", "cp-3"))
    for first in (lambda: create(inputs()), lambda: update(inputs(), {"platform": "prod"})):
        with pytest.raises(framework.UserError, match=rf"^cp-2 runs with other settings, .*network\.{key} goes from "):
            first()


def test_an_accepted_change_passes(cluster):
    cluster({})
    assert create(inputs({"network.services": "10.97.0.0/16", "network.accept_change": {"services": "10.97.0.0/16"}}))


def test_a_state_that_recorded_its_network_is_compared_in_the_plan(cluster, monkeypatch):
    """No machine is queried: the plan has compared already."""
    monkeypatch.setattr(running, "client_of", lambda inputs: pytest.fail("a machine was queried"))
    assert update(inputs(), inputs()) == []
