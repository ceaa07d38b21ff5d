"""Machines that leave, against gRPC servers with mTLS that speak Talos' messages, and a server that keeps Nodes."""

import asyncio
import threading

import pytest

from clients import kubernetes, talos
from provider import framework
from provider.resources import decommission
from tests.provider.leaving import KIND, create

pytestmark = pytest.mark.usefixtures("quick", "soon", "quickly")

OUT = {"pods": set(), "nodes": set(), "on": False, "harm": []}


def test_a_worker_is_drained_erased_and_forgotten(world):
    at, said = world("wk-1"), []
    identity, outputs = create(at.inputs(), said)
    assert (identity, outputs["how"]) == ("wk-1", "wipe")
    assert at.state() == {**OUT, "members": {"cp-1": 1, "cp-2": 2, "cp-3": 3}} and at.done == ["wk-1 is erased"]
    assert [line for line in said if not line.startswith("waiting")] == [
        "wk-1 is drained",
        "2 pods are evicted",
        "its system disk is wiped, and it switches itself off",
        "it is out of the platform; delete its entry from the stack file",
    ]


def test_a_control_plane_leaves_etcd_when_it_is_empty_and_before_it_is_erased(world):
    at, said = world("cp-3"), []
    create(at.inputs(), said)
    assert at.state() == {**OUT, "members": {"cp-1": 1, "cp-2": 2}} and at.done == [
        "cp-3 leaves etcd",
        "cp-3 is erased",
    ]
    assert "cp-3 leaves etcd; cp-1, cp-2 stay" in said


def test_the_second_of_two_leaves_too(world):
    at, said = world("cp-2", controlplanes=2), []
    create(at.inputs(), said)
    assert at.state() == {**OUT, "members": {"cp-1": 1}} and "cp-2 leaves etcd; cp-1 stays" in said


class Killed(BaseException):
    """kill -9, as far as what is written after it is concerned."""


def kill_at(monkeypatch, number):
    """Ends the run at one of its requests to the machines and to the cluster: done, and never heard of.

    Whoever runs again finds the same as if the next request had not been sent."""
    count = [0]

    def dying(real):
        def ask(*args, **how):
            count[0] += 1
            try:
                return real(*args, **how)
            finally:
                if count[0] == number:
                    raise Killed

        return ask

    monkeypatch.setattr(kubernetes, "_ask", dying(kubernetes._ask))
    monkeypatch.setattr(talos.Client, "ask", dying(talos.Client.ask))


@pytest.mark.parametrize(("leaves", "how"), [("wk-1", "wipe"), ("cp-3", "wipe"), ("cp-3", "lost")])
def test_a_run_that_is_killed_anywhere_and_run_again_ends_in_the_same_state(world, monkeypatch, leaves, how):
    ends = {**OUT, "members": {name: n for name, n in {"cp-1": 1, "cp-2": 2, "cp-3": 3}.items() if name != leaves}}
    if how == "lost":
        ends |= {"pods": {"web-1", "web-2"}}
    kills = 0
    for number in range(1, 200):
        at = world(leaves)
        if how == "lost":
            at.machines[leaves].on = False
        with monkeypatch.context() as once:
            kill_at(once, number)
            try:
                create(at.inputs(how))
                killed = False
            except Killed:
                killed = True
        if killed:
            create(at.inputs(how))
            kills += 1
        assert at.state() == ends, number
        at.end()
        if not killed:
            break
    # Every request of a whole run has been the last one once.
    assert kills >= {"wk-1": 10, "cp-3": 12 if how == "wipe" else 6}[leaves] and not killed


def test_a_machine_that_does_not_answer_and_was_not_erased_is_not_called_wiped(world):
    at = world("wk-1")
    at.machines["wk-1"].on = False
    with pytest.raises(framework.UserError) as failed:
        create(at.inputs())
    address = at.machines["wk-1"].address
    assert (
        str(failed.value)
        == f"wk-1 does not answer at {address} as a machine of the platform (UNAVAILABLE: it is off), and was not"
        " erased; it can be neither drained nor wiped; switch it on and run up again, or write decommission: lost"
        " if it is dead"
    )
    assert at.cluster.nodes.keys() == {"wk-1"} and at.done == []


def test_one_that_answers_is_not_lost(world):
    at = world("cp-3")
    with pytest.raises(framework.UserError) as failed:
        create(at.inputs("lost"))
    assert (
        str(failed.value)
        == f"cp-3 still answers at {at.machines['cp-3'].address} as a machine of the platform, so it is not lost; it"
        " would keep the cluster's keys, and join again; write decommission: wipe, or switch it off"
    )
    assert at.state()["members"].keys() == {"cp-1", "cp-2", "cp-3"} and at.cluster.nodes.keys() == {"cp-3"}


def test_a_lost_control_plane_is_taken_out_by_another_one(world):
    at, said = world("cp-3"), []
    at.machines["cp-3"].on = False
    at.well.discard("cp-3")
    create(at.inputs("lost"), said)
    assert (
        at.done == ["cp-1 takes cp-3 out of etcd"] and at.cluster.nodes == {} and at.members.keys() == {"cp-1", "cp-2"}
    )
    assert said[0] == "cp-3 is removed from etcd by another control plane; cp-1, cp-2 stay"


def test_another_one_is_asked_where_the_first_is_away_too(world):
    at = world("cp-5", controlplanes=5)
    for name in ("cp-1", "cp-5"):
        at.machines[name].on = False
        at.well.discard(name)
    create(at.inputs("lost"))
    assert at.done == ["cp-2 takes cp-5 out of etcd"]


UNWELL = (
    "could lose its quorum and all its data; repair it first (talosctl etcd status), or decommission a dead one as lost"
    " before"
)


MAJORITY = (
    "more than half must agree; repair another one first (talosctl etcd status); if they are lost too, restore a "
    "snapshot: docs/runbooks/restore.md"
)


@pytest.mark.parametrize(
    ("how", "planes", "unwell", "told"),
    [
        ("wipe", 3, ["cp-2"], f"is not removed from etcd: etcd is not healthy on cp-2, and without cp-3 it {UNWELL}"),
        (
            "wipe",
            5,
            ["cp-2", "cp-3"],
            f"is not removed from etcd: etcd is not healthy on cp-2, cp-3, and without cp-5 it {UNWELL}",
        ),
        ("lost", 2, [], f"can't be removed from etcd: only 1 of 2 members is healthy, and {MAJORITY}"),
        ("lost", 3, ["cp-2"], f"can't be removed from etcd: only 1 of 3 members is healthy, and {MAJORITY}"),
        ("lost", 5, ["cp-1", "cp-2"], f"can't be removed from etcd: only 2 of 5 members are healthy, and {MAJORITY}"),
    ],
)
def test_etcd_keeps_its_quorum_or_nothing_is_done(world, how, planes, unwell, told):
    leaves = f"cp-{planes}"
    at = world(leaves, controlplanes=planes)
    at.well -= set(unwell)
    at.machines[leaves].on = how == "wipe"
    with pytest.raises(framework.UserError) as failed:
        create(at.inputs(how))
    assert str(failed.value) == f"{leaves} {told}"
    assert at.done == at.harm == [] and len(at.members) == planes
    # Not even emptied.
    assert at.cluster.nodes[leaves]["spec"] == {} and len(at.cluster.pods) == 2


def test_one_that_does_not_go_ends_at_its_deadline(world):
    at = world("wk-1")
    at.stubborn = True
    with pytest.raises(framework.UserError) as failed:
        create(at.inputs(seconds=1.0))
    assert (
        str(failed.value)
        == "wk-1 was ordered to erase itself and still answered within 1 s (last: it still answers); the resources that"
        f" depend on it are not created; look at its console, and at: talosctl -n {at.machines['wk-1'].address}"
        " dmesg; run up again, which sends the request again"
    )
    assert at.cluster.nodes["wk-1"]["metadata"]["annotations"] == {"bedplate/decommission": "wipe"}


def test_no_control_plane_that_answers_is_said_by_name(world):
    at = world("cp-2", controlplanes=2)
    at.machines["cp-1"].on = False
    with pytest.raises(framework.UserError) as failed:
        create(at.inputs(seconds=1.0))
    assert (
        str(failed.value)
        == "cp-2: no control plane that stays answered within 1 s (last: cp-1: UNAVAILABLE: it is off); the resources"
        " that depend on it are not created; repair one, and run up again"
    )
    assert at.done == []


def test_one_that_elects_meanwhile_is_asked_again(world):
    at = world("cp-2", controlplanes=2)
    at.machines["cp-1"].on = False
    threading.Timer(0.5, lambda: setattr(at.machines["cp-1"], "on", True)).start()
    create(at.inputs())
    assert at.state() == {**OUT, "members": {"cp-1": 1}}


def test_a_power_cut_between_two_steps_is_not_taken_for_an_erasure(world, monkeypatch):
    """It is out of etcd and empty, the run was killed before it was told to erase itself, and then it lost power."""
    at = world("cp-3")
    with monkeypatch.context() as once:
        once.setattr(decommission.nodes, "annotate", lambda *args: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            create(at.inputs())
    at.machines["cp-3"].on = False
    with pytest.raises(
        framework.UserError,
        match="and was not erased; it can be neither drained nor wiped; switch it on and run up again",
    ):
        create(at.inputs())
    at.machines["cp-3"].on = True
    create(at.inputs())
    assert at.state() == {**OUT, "members": {"cp-1": 1, "cp-2": 2}}


def test_a_record_is_only_a_record(world):
    at = world("wk-1")
    made = {**at.inputs(), "how": "lost"}
    assert asyncio.run(KIND.update("wk-1", made, {**made, "kubeconfig": "another"}, print))["kubeconfig"] == "another"
    asyncio.run(KIND.delete("wk-1", made, print))
    assert at.done == [] and at.cluster.nodes.keys() == {"wk-1"}


def test_one_that_was_given_up_and_is_found_again_can_be_erased(world):
    at = world("wk-1")
    asyncio.run(KIND.update("wk-1", at.inputs("lost"), at.inputs("wipe"), print))
    assert at.done == ["wk-1 is erased"]


@pytest.mark.parametrize(
    ("name", "how", "told"),
    [
        (
            "wk-1",
            "wipe",
            (
                "wk-1 LEAVES the platform: it is drained, its system disk is WIPED, it is switched off, and its Node is"
                " deleted"
            ),
        ),
        (
            "cp-3",
            "wipe",
            (
                "cp-3 LEAVES the platform: it is drained, leaves etcd (cp-1, cp-2 stay), its system disk is WIPED, it"
                " is switched off, and its Node is deleted"
            ),
        ),
        (
            "wk-1",
            "lost",
            (
                "wk-1 is given up as LOST: nothing is sent to it; its Node is deleted; up refuses this while it still"
                " answers"
            ),
        ),
        (
            "cp-3",
            "lost",
            (
                "cp-3 is given up as LOST: nothing is sent to it; another control plane removes it from etcd (cp-1,"
                " cp-2 stay), its Node is deleted; up refuses this while it still answers"
            ),
        ),
    ],
)
def test_a_plan_says_what_happens_to_it(name, how, told):
    inputs = {"machine": name, "how": how, "controlplane": name == "cp-3", "others": {"cp-1": "a", "cp-2": "b"}}
    assert KIND.describe_change(inputs) == told
    assert KIND.describe_change(inputs, inputs) is None


def test_inputs_that_no_machine_leaves_by_are_refused():
    given = {
        "machine": "wk-1",
        "node": "a",
        "clientConfiguration": framework.UNKNOWN,
        "kubeconfig": framework.UNKNOWN,
        "timeoutSeconds": 9,
        "controlplane": False,
    }
    assert [f"{w.property} {w.reason}" for w in KIND.check({**given, "how": "reset", "others": {}})] == [
        "how is not one of wipe, lost; wipe erases the machine, and lost sends nothing to it; write wipe or lost",
        (
            "others is not a mapping from one or more control planes to their addresses; the control planes that stay"
            " remove the machine from etcd; write name: address"
        ),
    ]
