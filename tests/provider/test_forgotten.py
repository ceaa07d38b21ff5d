"""The day on which a machine that was to leave is not said to leave any more: the guard asks whether it did."""

import asyncio

import pytest

from provider import framework
from provider.resources import RESOURCES
from tests.provider.leaving import create

pytestmark = pytest.mark.usefixtures("quick", "soon", "quickly")

GUARD = RESOURCES["bedplate-native:talos:Guard"]


def forget(at, name="cp-3", how="wipe", kept=False, said=None):
    """The update of the guard in which a machine that was to leave is not said to leave any more."""
    role = "controlplane" if name.startswith("cp") else "worker"
    left = {name: {"how": how, "role": role, "address": at.machines[name].address}}
    stay = {
        other: machine.address
        for other, machine in at.machines.items()
        if other.startswith("cp") and (other != name or kept)
    }
    machines = {**dict.fromkeys(stay, "controlplane"), **({name: role} if kept else {})}
    inputs = {
        "platform": "p",
        "controlplanes": stay,
        "machines": machines,
        "leaving": {},
        "clientConfiguration": at.machines[name].client(),
    }
    return asyncio.run(
        GUARD.update("p", {**inputs, "leaving": left}, inputs, said.append if said is not None else print)
    )


def test_a_machine_that_left_is_forgotten(world):
    at = world("cp-3")
    create(at.inputs())
    assert forget(at)["leaving"] == {}


@pytest.mark.parametrize("name", ["cp-3", "wk-1"])
def test_one_whose_decommission_failed_is_not(world, name):
    """A plan can't know whether it left: so it is asked, before anything else is done."""
    at = world(name)
    with pytest.raises(framework.UserError) as failed:
        forget(at, name)
    assert (
        str(failed.value)
        == f"{name} was to leave the platform, and still answers at {at.machines[name].address} as a machine of it;"
        " without its entry it would keep the cluster's keys; write decommission: wipe for it again, run up, and"
        " delete its entry after that has succeeded"
    )


def test_a_dead_one_that_is_a_member_still_is_not(world):
    at = world("cp-3")
    at.machines["cp-3"].on = False
    with pytest.raises(
        framework.UserError,
        match=(
            r"^cp-3 was to leave the platform, and is still a member of etcd; without its entry it would still count .*"
            r" write decommission: lost for it again"
        ),
    ):
        forget(at, how="lost")


@pytest.mark.parametrize("name", ["cp-3", "wk-1"])
def test_who_changes_their_mind_keeps_a_machine_that_is_whole(world, name):
    at, said = world(name), []
    assert forget(at, name, kept=True, said=said)["leaving"] == {}
    assert said == [
        f"{name} stays in the platform, because its decommission was removed; if its node is cordoned: "
        f"kubectl uncordon {name}"
    ]


def test_one_that_is_out_of_etcd_can_not_just_stay(world):
    at = world("cp-3")
    del at.members["cp-3"]
    with pytest.raises(
        framework.UserError,
        match=(
            r"^cp-3 was to leave the platform, is already out of etcd, and was not erased; it can't join etcd with its"
            r" old data; write decommission: wipe for it again"
        ),
    ):
        forget(at, kept=True)


def test_one_that_left_comes_back_as_a_new_machine(world):
    at = world("cp-3")
    create(at.inputs())
    assert forget(at, kept=True, said=[])["leaving"] == {}


def test_nobody_is_asked_where_nobody_left():
    made = asyncio.run(GUARD.update("p", {"leaving": {"wk-1": {}}}, {"leaving": {"wk-1": {}}}, print))
    assert made == {"leaving": {"wk-1": {}}}
