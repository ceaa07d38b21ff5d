"""Machines that leave a platform: what is left of them in the program, and what waits for what."""

import json

import pytest
from conftest import changed, is_secret, plain, run_program

from core.credentials.talosconfig import talosconfig
from core.model import parse

KIND = "bedplate-native:talos:Decommission"
# They depend on who hands out a kubeconfig.
TOLD_OF_CONTROL_PLANES = ("bedplate-native:talos:Turn", "bedplate-native:talos:Settled")
GUARD = "bedplate-native:talos:Guard::talos-guard"
APPLY = "bedplate-native:talos:MachineConfig::talos-{}"
MEMBER = "bedplate-native:talos:EtcdMember::talos-{}"


def gone(name):
    return f"{KIND}::talos-{name}"


def leaves(raw, **how):
    return changed(raw, {f"machines.{name.replace('_', '-')}.decommission": said for name, said in how.items()})


@pytest.mark.parametrize("how", ["wipe", "lost"])
@pytest.mark.parametrize("name", ["wk-1", "cp-3"])
def test_a_machine_that_leaves_is_one_resource_and_no_other(prod, name, how):
    before, after = (
        run_program(prod).inputs(),
        run_program(changed(prod, {f"machines.{name}.decommission": how})).inputs(),
    )
    assert sorted({key for key in before if name in key[1]} & set(after)) == []
    assert set(after) - set(before) == {(KIND, f"talos-{name}")}
    inputs = after[(KIND, f"talos-{name}")]
    stay = {plane: prod["machines"][plane]["address"] for plane in ("cp-1", "cp-2", "cp-3") if plane != name}
    assert {key: inputs[key] for key in ("machine", "node", "how", "controlplane", "others")} == {
        "machine": name,
        "node": prod["machines"][name]["address"],
        "how": how,
        "controlplane": name == "cp-3",
        "others": stay,
    }


@pytest.mark.parametrize("name", ["wk-1", "cp-3"])
def test_no_other_machine_gets_another_config(prod, name):
    """A control plane that leaves and one that reboots are two that are away."""
    before, after = (
        run_program(prod).inputs(),
        run_program(changed(prod, {f"machines.{name}.decommission": "wipe"})).inputs(),
    )
    others = sorted(
        key[1] for key in after if key in before and before[key] != after[key] and key[0] not in TOLD_OF_CONTROL_PLANES
    )
    # With one worker, operators need no second place, and VMs have none to move to.
    assert others == {
        "cp-3": ["etcd-snapshots", "talos-etcd", "talos-guard", "talos-snapshot"],
        "wk-1": ["cilium-release", "kubevirt", "talos-guard", "vm-build-1", "vm-build-2", "vm-erp", "vm-mail"],
    }.get(name)


def test_one_that_leaves_is_nobodys_endpoint_any_more(prod):
    made = talosconfig(
        parse(leaves(prod, cp_3="wipe")), {"ca_certificate": "", "client_certificate": "", "client_key": ""}
    )
    assert json.loads(made)["contexts"]["prod"]["endpoints"] == ["10.20.0.11", "10.20.0.12"]


def test_nothing_leaves_before_the_guard_and_without_the_cluster(prod):
    graph = run_program(
        leaves(prod, wk_1="wipe", wk_2="lost", cp_3="wipe")
        | {"vms": {}, "workloads": {}, "talos": {**prod["talos"], "schedulable_control_planes": True}}
    ).graph
    for name in ("wk-1", "wk-2", "cp-3"):
        beneath = graph.reachable(gone(name))
        assert {
            GUARD,
            "bedplate-native:kubernetes:Kubeconfig::talos-kubeconfig",
            "bedplate-native:talos:Bootstrap::talos-etcd",
        } <= beneath


def test_workers_are_emptied_one_after_the_other(prod):
    graph = run_program(
        changed(leaves(prod, wk_1="wipe", wk_2="wipe"), {"talos.schedulable_control_planes": True})
    ).graph
    assert gone("wk-1") in graph.needs[gone("wk-2")]


def test_a_control_plane_that_is_well_leaves_when_the_others_are_done_and_before_any_is_upgraded(prod):
    graph = run_program(leaves(prod, cp_3="wipe")).graph
    assert {MEMBER.format("cp-1"), MEMBER.format("cp-2")} <= graph.reachable(gone("cp-3"))
    for name in ("cp-1", "cp-2", "wk-1", "wk-2"):
        assert gone("cp-3") in graph.reachable(f"bedplate-native:talos:Release::talos-{name}")
        assert gone("cp-3") not in graph.reachable(APPLY.format(name))


def test_a_dead_control_plane_leaves_before_the_others_change(prod):
    graph = run_program(leaves(prod, cp_3="lost")).graph
    assert gone("cp-3") in graph.reachable(APPLY.format("cp-2")) and gone("cp-3") in graph.reachable(
        MEMBER.format("cp-1")
    )
    assert not any("EtcdMember" in name for name in graph.reachable(gone("cp-3")))


@pytest.mark.parametrize("how", ["wipe", "lost"])
def test_control_planes_leave_one_after_the_other(prod, how):
    graph = run_program(leaves(prod, cp_2=how, cp_3=how)).graph
    assert gone("cp-2") in graph.needs[gone("cp-3")]


@pytest.mark.parametrize("how", ["wipe", "lost"])
def test_nobody_waits_for_a_worker_that_leaves(prod, how):
    graph = run_program(leaves(prod, wk_1=how)).graph
    assert [name for name, needs in graph.needs.items() if gone("wk-1") in needs] == []


@pytest.mark.parametrize("preview", [True, False])
def test_its_credentials_are_secrets(prod, preview):
    given = {
        "bedplate:matchbox": '{"ca": "CA", "certificate": "CERT", "key": "KEY", "hosts": "*.prod.example.com"}',
        "bedplate:bmc": '{"username": "U", "password": "P", "hosts": "*.bmc.prod.example.com"}',
    }
    engine = run_program(leaves(prod, wk_1="wipe"), preview, given).engine
    inputs = engine.of(KIND)["talos-wk-1"]
    assert is_secret(inputs["clientConfiguration"]) and is_secret(inputs["kubeconfig"])
    assert is_secret(engine.of("bedplate-native:talos:Guard")["talos-guard"]["clientConfiguration"])


def test_the_guard_knows_who_stays_and_who_leaves(prod):
    inputs = plain(run_program(leaves(prod, cp_3="lost")).engine.of("bedplate-native:talos:Guard")["talos-guard"])
    assert inputs["machines"] == {"cp-1": "controlplane", "cp-2": "controlplane", "wk-1": "worker", "wk-2": "worker"}
    assert inputs["leaving"] == {"cp-3": {"how": "lost", "role": "controlplane", "address": "10.20.0.13"}}
    assert set(inputs["controlplanes"]) == {"cp-1", "cp-2"}


def test_the_one_that_others_ask_is_the_one_that_the_file_names_now(prod):
    """A bootstrap remembers the machine of its day, and that one may have left."""
    moved = run_program(changed(leaves(prod, cp_1="wipe"), {"talos.bootstrap": "cp-2"})).inputs()
    assert moved[("bedplate-native:talos:EtcdMember", "talos-cp-3")]["node"] == "10.20.0.12"
    assert moved[("bedplate-native:talos:EtcdMember", "talos-cp-3")]["node"] == "10.20.0.12"


def test_a_bmcs_credentials_may_stay_until_the_entry_goes(prod):
    login = {"username": "U", "password": "P", "hosts": "*.bmc.prod.example.com"}
    given = {"bedplate:bmc": json.dumps({**login, "machines": {"wk-1": {"username": "V"}}})}
    run_program(leaves(prod, wk_1="wipe"), True, given)
