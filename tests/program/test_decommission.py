"""Machines that leave a platform: which resources they have, and what those wait for."""

import json

import pytest
from conftest import changed, is_secret, plain, ran

from core.credentials.talosconfig import talosconfig
from core.model import parse

KIND = "bedplate-native:talos:Decommission"
# Their inputs depend on the machine that issues the kubeconfig.
TOLD_OF_CONTROL_PLANES = ("bedplate-native:talos:Turn", "bedplate-native:talos:Settled")
GUARD = "bedplate-native:talos:Guard::talos-guard"
APPLY = "bedplate-native:talos:MachineConfig::talos-{}"
MEMBER = "bedplate-native:talos:EtcdMember::talos-{}"


def leave(name):
    return f"{KIND}::talos-{name}"


def leaves(raw, **how):
    return changed(raw, {f"machines.{name.replace('_', '-')}.decommission": way for name, way in how.items()})


@pytest.mark.parametrize("how", ["wipe", "lost"])
@pytest.mark.parametrize("name", ["wk-1", "cp-3"])
def test_a_machine_that_leaves_has_one_resource(prod, name, how):
    before, after = (
        ran(prod).inputs(),
        ran(changed(prod, {f"machines.{name}.decommission": how})).inputs(),
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
def test_a_decommission_changes_no_other_machines_config(prod, name):
    """Otherwise one control plane could reboot while another leaves, and etcd would lose two members."""
    before, after = (
        ran(prod).inputs(),
        ran(changed(prod, {f"machines.{name}.decommission": "wipe"})).inputs(),
    )
    others = sorted(
        key[1] for key in after if key in before and before[key] != after[key] and key[0] not in TOLD_OF_CONTROL_PLANES
    )
    # With one worker, operators have one replica, and VMs can't migrate.
    assert others == {
        "cp-3": ["etcd-snapshots", "talos-etcd", "talos-guard", "talos-snapshot"],
        "wk-1": ["cilium-release", "kubevirt", "talos-guard", "vm-build-1", "vm-build-2", "vm-erp", "vm-mail"],
    }.get(name)


def test_a_machine_that_leaves_is_in_no_list_of_endpoints(prod):
    client_config = talosconfig(
        parse(leaves(prod, cp_3="wipe")), {"ca_certificate": "", "client_certificate": "", "client_key": ""}
    )
    assert json.loads(client_config)["contexts"]["prod"]["endpoints"] == ["10.20.0.11", "10.20.0.12"]


def test_a_decommission_waits_for_the_change_guard_and_the_kubeconfig(prod):
    graph = ran(
        leaves(prod, wk_1="wipe", wk_2="lost", cp_3="wipe")
        | {"vms": {}, "workloads": {}, "talos": {**prod["talos"], "schedulable_control_planes": True}}
    ).graph
    for name in ("wk-1", "wk-2", "cp-3"):
        beneath = graph.reachable(leave(name))
        assert {
            GUARD,
            "bedplate-native:kubernetes:Kubeconfig::talos-kubeconfig",
            "bedplate-native:talos:Bootstrap::talos-etcd",
        } <= beneath


def test_workers_are_drained_one_after_the_other(prod):
    graph = ran(changed(leaves(prod, wk_1="wipe", wk_2="wipe"), {"talos.schedulable_control_planes": True})).graph
    assert leave("wk-1") in graph.needs[leave("wk-2")]


def test_a_healthy_control_plane_leaves_after_the_others_have_their_config_and_before_an_upgrade(prod):
    graph = ran(leaves(prod, cp_3="wipe")).graph
    assert {MEMBER.format("cp-1"), MEMBER.format("cp-2")} <= graph.reachable(leave("cp-3"))
    for name in ("cp-1", "cp-2", "wk-1", "wk-2"):
        assert leave("cp-3") in graph.reachable(f"bedplate-native:talos:Release::talos-{name}")
        assert leave("cp-3") not in graph.reachable(APPLY.format(name))


def test_a_lost_control_plane_leaves_before_the_others_change(prod):
    graph = ran(leaves(prod, cp_3="lost")).graph
    assert leave("cp-3") in graph.reachable(APPLY.format("cp-2")) and leave("cp-3") in graph.reachable(
        MEMBER.format("cp-1")
    )
    assert not any("EtcdMember" in name for name in graph.reachable(leave("cp-3")))


@pytest.mark.parametrize("how", ["wipe", "lost"])
def test_control_planes_leave_one_after_the_other(prod, how):
    graph = ran(leaves(prod, cp_2=how, cp_3=how)).graph
    assert leave("cp-2") in graph.needs[leave("cp-3")]


@pytest.mark.parametrize("how", ["wipe", "lost"])
def test_no_other_machine_waits_for_a_worker_that_leaves(prod, how):
    graph = ran(leaves(prod, wk_1=how)).graph
    assert [name for name, needs in graph.needs.items() if leave("wk-1") in needs] == []


@pytest.mark.parametrize("preview", [True, False])
def test_the_credentials_of_a_decommission_are_secrets(prod, preview):
    given = {
        "bedplate:matchbox": '{"ca": "CA", "certificate": "CERT", "key": "KEY", "hosts": "*.prod.example.com"}',
        "bedplate:bmc": '{"username": "U", "password": "P", "hosts": "*.bmc.prod.example.com"}',
    }
    engine = ran(leaves(prod, wk_1="wipe"), preview, given).engine
    inputs = engine.of(KIND)["talos-wk-1"]
    assert is_secret(inputs["clientConfiguration"]) and is_secret(inputs["kubeconfig"])
    assert is_secret(engine.of("bedplate-native:talos:Guard")["talos-guard"]["clientConfiguration"])


def test_the_change_guard_has_the_machines_that_stay_and_that_leave(prod):
    inputs = plain(ran(leaves(prod, cp_3="lost")).engine.of("bedplate-native:talos:Guard")["talos-guard"])
    assert inputs["machines"] == {"cp-1": "controlplane", "cp-2": "controlplane", "wk-1": "worker", "wk-2": "worker"}
    assert inputs["leaving"] == {"cp-3": {"how": "lost", "role": "controlplane", "address": "10.20.0.13"}}
    assert set(inputs["controlplanes"]) == {"cp-1", "cp-2"}


def test_other_resources_query_the_bootstrap_machine_that_the_stack_file_names_now(prod):
    """The state of Bootstrap has the machine that was bootstrapped, which may have left since."""
    moved = ran(changed(leaves(prod, cp_1="wipe"), {"talos.bootstrap": "cp-2"})).inputs()
    assert moved[("bedplate-native:talos:EtcdMember", "talos-cp-3")]["node"] == "10.20.0.12"
    assert moved[("bedplate-native:talos:EtcdMember", "talos-cp-3")]["node"] == "10.20.0.12"


def test_a_bmcs_credentials_may_stay_until_the_entry_is_deleted(prod):
    login = {"username": "U", "password": "P", "hosts": "*.bmc.prod.example.com"}
    given = {"bedplate:bmc": json.dumps({**login, "machines": {"wk-1": {"username": "V"}}})}
    ran(leaves(prod, wk_1="wipe"), True, given)
