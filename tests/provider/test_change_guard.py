"""What a plan refuses to do at once."""

import pytest

from provider import framework
from provider.resources import RESOURCES

GUARD = RESOURCES["bedplate-native:talos:Guard"]
PLANES = {f"cp-{n}": f"10.0.0.{n}" for n in (1, 2, 3)}
MACHINES = {**dict.fromkeys(PLANES, "controlplane"), "wk-1": "worker", "wk-2": "worker"}
BEFORE = {
    "platform": "prod",
    "contract": "v1.12",
    "talos": "v1.13.2",
    "kubernetes": "v1.35.4",
    "controlplanes": PLANES,
    "machines": MACHINES,
    "leaving": {},
    "clientConfiguration": framework.UNKNOWN,
}


def without(*names, leaving=()):
    """What is left of the platform; leaving: those that are still in its file."""
    return {
        "controlplanes": {name: address for name, address in PLANES.items() if name not in names},
        "machines": {name: role for name, role in MACHINES.items() if name not in names},
        "leaving": {
            name: {"how": "wipe", "role": MACHINES[name], "address": PLANES.get(name, "10.0.0.9")} for name in leaving
        },
    }


def wrong(**changed):
    return [f"{w.property}: {w.reason}" for w in GUARD.check({**BEFORE, **changed}, BEFORE)]


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"talos": "v1.13.9"},
        {"talos": "v1.14.0"},
        {"kubernetes": "v1.36.0"},
        {"kubernetes": "v1.35.5"},
        {"contract": "v1.13"},
        {"contract": "v1.13", "talos": "v1.14.0"},
        {"controlplanes": {**PLANES, "cp-4": "10.0.0.4", "cp-5": "10.0.0.5"}},
        {"controlplanes": {**PLANES, "cp-2": "10.0.0.22"}},
    ],
)
def test_one_step_at_a_time_passes(changed):
    assert wrong(**changed) == []


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        (
            {"talos": "v1.12.9"},
            (
                "talos: talos.version goes from v1.13.2 back to v1.12.9; the older version may not read what the newer"
                " one wrote; write v1.13.2 or a newer one"
            ),
        ),
        (
            {"talos": "v1.13.1"},
            (
                "talos: talos.version goes from v1.13.2 back to v1.13.1; the older version may not read what the newer"
                " one wrote; write v1.13.2 or a newer one"
            ),
        ),
        (
            {"talos": "v1.15.0"},
            (
                "talos: talos.version goes from v1.13.2 to v1.15.0 and skips a minor version; each minor version"
                " migrates data only from the one before; write the last of v1.14 first"
            ),
        ),
        (
            {"kubernetes": "v1.34.9"},
            (
                "kubernetes: talos.kubernetes goes from v1.35.4 back to v1.34.9; the older version may not read what"
                " the newer one wrote; write v1.35.4 or a newer one"
            ),
        ),
        (
            {"kubernetes": "v1.37.0"},
            (
                "kubernetes: talos.kubernetes goes from v1.35.4 to v1.37.0 and skips a minor version; each minor"
                " version migrates data only from the one before; write the last of v1.36 first"
            ),
        ),
        (
            {"contract": "v1.11"},
            (
                "contract: talos.contract goes from v1.12 back to v1.11; machines would lose what only the newer"
                " contract can set; write v1.12"
            ),
        ),
        (
            {"contract": "v1.14", "talos": "v1.14.2"},
            (
                "contract: talos.contract goes from v1.12 to v1.14 and skips v1.13; a change of contract is tested from"
                " the one before; write v1.13, run up, then write v1.14"
            ),
        ),
        (
            {"controlplanes": {**PLANES, "cp-1": "10.0.0.11", "cp-2": "10.0.0.12"}},
            (
                "controlplanes: cp-1 and cp-2 would leave or move at once; etcd has 3 votes, and losing more than one"
                " at a time can lose all its data; change one, run up, check that it is healthy (talosctl etcd status),"
                " then change the next"
            ),
        ),
    ],
)
def test_what_can_not_be_undone_is_refused(changed, text):
    assert wrong(**changed) == [text]


@pytest.mark.parametrize(
    ("runs", "declared", "now"),
    [("v1.12.11", "v1.13.2", "v1.13"), ("v1.13.9", "v1.14.2", "v1.14"), ("v1.12.0", "v1.13.0", "v1.13")],
)
def test_a_contract_waits_until_its_talos_runs(runs, declared, now):
    """Configs are sent before Talos is upgraded."""
    was = {"v1.13": "v1.12", "v1.14": "v1.13"}[now]
    before = {**BEFORE, "talos": runs, "contract": was}
    told = [f"{w.property}: {w.reason}" for w in GUARD.check({**before, "talos": declared, "contract": now}, before)]
    assert told == [
        f"contract: {now} is newer than Talos {runs}, which the machines run; configs are sent before Talos is "
        f"upgraded, and it refuses documents that it does not know; write {was}, run up, then change talos.contract"
    ]
    assert GUARD.check({**before, "talos": declared, "contract": was}, before) == []
    after = {**before, "talos": declared}
    assert GUARD.check({**after, "contract": now}, after) == []


def test_a_plan_says_what_another_contract_does():
    told = GUARD.describe_change({**BEFORE, "contract": "v1.13"}, BEFORE)
    assert told == (
        "contract v1.12 -> v1.13: each machine gets a config of the new form, control planes one after the other; a "
        "machine that reboots for it is drained first; keys and the issuer of tokens stay"
    )
    assert GUARD.describe_change(BEFORE, BEFORE) is None
    # A state of an earlier release records no network.
    assert GUARD.check({**BEFORE, "contract": "v1.13", "network": {"issuer": "https://10.0.0.5:6443"}}, BEFORE) == []


@pytest.mark.parametrize("name", ["endpoint", "issuer", "pods", "services"])
def test_a_contract_does_not_change_together_with_the_network(name):
    network = {"endpoint": "10.0.0.5:6443", "issuer": "https://10.0.0.5:6443", "pods": "a", "services": "b"}
    before = {**BEFORE, "network": network}
    after = {**before, "contract": "v1.13", "network": {**network, name: "another"}, "accepted": {name: "another"}}
    reasons = [w.reason for w in GUARD.check(after, before) if w.property == "contract"]
    assert reasons == [
        f"talos.contract changes together with the network's {name}; the new form of the configs must not change what "
        "the cluster was created with, and if the update fails, either could be the cause; change one, run up, then "
        "change the other"
    ]
    assert GUARD.check({**before, "contract": "v1.13"}, before) == []


def test_all_of_it_is_told_at_once():
    assert len(wrong(talos="v1.12.0", kubernetes="v1.37.0", contract="v1.11", **without("wk-1"))) == 4


def test_a_first_plan_has_nothing_to_compare():
    assert GUARD.check(BEFORE) == []


KEYS = "it would keep the cluster's keys"
ONCE = (
    "etcd has 3 votes, and losing more than one at a time can lose all its data; change one, run up, check that it is"
    " healthy (talosctl etcd status), then change the next"
)


@pytest.mark.parametrize("names", [("wk-1",), ("wk-1", "wk-2"), ("cp-3",), ("cp-3", "wk-1")])
def test_machines_leave_by_a_decommission(names):
    assert wrong(**without(*names, leaving=names)) == []


@pytest.mark.parametrize("name", ["wk-1", "cp-3"])
def test_one_that_was_told_to_leave_may_be_forgotten_or_come_back(name):
    before = {**BEFORE, **without(name, leaving=(name,))}
    assert GUARD.check({**BEFORE, **without(name)}, before) == [] and GUARD.check(BEFORE, before) == []


def test_a_machine_that_only_leaves_the_file_is_refused():
    undone = "put it back with decommission: wipe, or lost if it is dead, run up, then delete it"
    assert wrong(**without("cp-3", "wk-1")) == [
        (
            f"machines: cp-3 is not in the stack file any more, and was not decommissioned; {KEYS} and its vote in"
            f" etcd; {undone}"
        ),
        f"machines: wk-1 is not in the stack file any more, and was not decommissioned; {KEYS}; {undone}",
    ]


def test_what_an_earlier_release_remembered_is_enough_for_control_planes():
    before = {name: value for name, value in BEFORE.items() if name not in ("machines", "leaving")}
    assert len(GUARD.check({**BEFORE, **without("cp-3", "wk-1")}, before)) == 1
    assert GUARD.check({**BEFORE, **without("wk-1", leaving=("wk-1",))}, before) == []


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        (
            without("cp-2", "cp-3", leaving=("cp-2", "cp-3")),
            f"controlplanes: cp-2 and cp-3 would leave or move at once; {ONCE}",
        ),
        (
            {**without("cp-3", leaving=("cp-3",)), "controlplanes": {"cp-1": "10.0.0.1", "cp-2": "10.0.0.22"}},
            f"controlplanes: cp-2 and cp-3 would leave or move at once; {ONCE}",
        ),
        (
            {
                **without("cp-3", leaving=("cp-3",)),
                "controlplanes": {"cp-1": "10.0.0.1", "cp-2": "10.0.0.2", "cp-4": "10.0.0.4"},
            },
            f"controlplanes: cp-3 would leave or move, and cp-4 join, at once; {ONCE}",
        ),
    ],
)
def test_etcd_changes_by_one_member_at_a_time(changed, text):
    assert wrong(**changed) == [text]


def test_the_next_one_leaves_while_the_one_before_is_still_in_the_file():
    before = {**BEFORE, **without("cp-3", leaving=("cp-3",))}
    assert GUARD.check({**BEFORE, **without("cp-2", "cp-3", leaving=("cp-2", "cp-3"))}, before) == []


@pytest.mark.parametrize("before", [None, BEFORE])
def test_who_was_never_there_can_not_leave(before):
    stranger = {"leaving": {"wk-9": {"how": "wipe", "role": "worker", "address": "10.0.0.9"}}}
    assert [str(w.reason) for w in GUARD.check({**BEFORE, **stranger}, before)] == [
        "wk-9 is to be decommissioned, and no up has made it part of the platform; there is nothing to remove; delete"
        " its entry"
    ]


NETWORK = {
    "endpoint": "https://10.0.0.9:6443",
    "issuer": "https://10.0.0.9:6443",
    "pods": "10.244.0.0/16",
    "services": "10.96.0.0/12",
}


def network(accepted=None, before=NETWORK, **now):
    given = {"network": {**NETWORK, **now}, **({"accepted": accepted} if accepted else {})}
    return [w.reason for w in GUARD.check({**BEFORE, **given}, {**BEFORE, **({"network": before} if before else {})})]


def test_another_endpoint_is_refused_because_tokens_name_it():
    moved = dict.fromkeys(("endpoint", "issuer"), "https://k8s.example.com:6443")
    assert network(**moved) == [
        "network.endpoint goes from https://10.0.0.9:6443 to https://k8s.example.com:6443; tokens of service accounts "
        "name their issuer, and the API would refuse those that pods have; write 10.0.0.9:6443 again, or accept it "
        'under network: accept_change: {endpoint: "k8s.example.com:6443"}'
    ]
    assert network(accepted={"endpoint": "https://k8s.example.com:6443"}, **moved) == []


@pytest.mark.parametrize("key", ["pods", "services"])
def test_another_network_is_refused_until_it_is_accepted(key):
    assert [reason.partition(";")[0] for reason in network(**{key: "10.64.0.0/12"})] == [
        f"network.{key} goes from {NETWORK[key]} to 10.64.0.0/12"
    ]
    assert network(accepted={key: "10.64.0.0/12"}, **{key: "10.64.0.0/12"}) == []


def test_a_state_that_recorded_no_network_gets_it_with_the_next_update():
    assert network(before=None, pods="10.64.0.0/12") == []
