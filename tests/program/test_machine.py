"""The tree of a plan and its names."""

import pytest
from conftest import changed, run_program, stack_platform

COMPONENT = "bedplate:talos:Machine::talos-{}"
TALOS = "bedplate:talos:Talos::talos"
BENEATH = {
    "bedplate-native:talos:Identity",
    "bedplate-native:talos:Turn",
    "bedplate-native:talos:MachineConfig",
    "bedplate-native:talos:Settled",
    "bedplate-native:talos:Release",
}
MEMBER = "bedplate-native:talos:EtcdMember"
# Words of a type that must not be in the name.
REPEATED = ("serviceaccount", "clusterrole", "deployment", "cronjob", "service", "turn", "settled", "member")


def _beneath(graph, parent):
    return {name for name, above in graph.parents.items() if above == parent}


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_every_resource_of_a_machine_is_beneath_its_component(stack):
    raw = stack_platform(stack)
    graph = run_program(raw).graph
    planes = [name for name, machine in raw["machines"].items() if machine["role"] == "controlplane"]
    for name in raw["machines"]:
        kinds = BENEATH | ({MEMBER} if name in planes and len(planes) > 1 else set())
        assert _beneath(graph, COMPONENT.format(name)) == {f"{kind}::talos-{name}" for kind in kinds}
        assert graph.parents[COMPONENT.format(name)] == TALOS
    assert _beneath(graph, TALOS) == {
        *(COMPONENT.format(name) for name in raw["machines"]),
        "talos:machine/secrets:Secrets::talos-secrets",
        "bedplate-native:talos:Guard::talos-guard",
        "bedplate-native:talos:Snapshot::talos-snapshot",
        "bedplate-native:talos:Bootstrap::talos-etcd",
        "bedplate-native:kubernetes:Kubeconfig::talos-kubeconfig",
    }


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_name_does_not_repeat_its_type(stack):
    graph = run_program(stack_platform(stack)).graph
    names = [request.name for request in graph.requests.values() if request.type.startswith(("kube", "bedplate"))]
    assert [name for name in names if set(name.split("-")) & set(REPEATED)] == []
    assert [name for name in names if len(name) > 45] == []


def test_another_machine_changes_no_name(prod):
    machine = {
        "role": "worker",
        "address": "10.20.0.92",
        "mac": "52:54:00:ff:00:92",
        "install": {"disk": {"serial": "N"}},
    }
    before = run_program(prod).graph
    after = run_program(changed(prod, {"machines.aa-1": machine})).graph
    assert before.parents.items() <= after.parents.items()


def test_former_names_are_aliases(prod):
    """No recorded state has a machine that leaves, so the former name of its resource is tested here."""
    graph = run_program(changed(prod, {"machines.wk-1.decommission": "wipe"})).graph
    (alias,) = graph.requests["bedplate-native:talos:Decommission::talos-wk-1"].aliases
    assert alias.spec.name == "talos-wk-1-decommission"
    (alias,) = graph.requests["bedplate-native:talos:Turn::talos-cp-1"].aliases
    assert (alias.spec.name, alias.spec.parentUrn.rpartition("::")[2]) == ("talos-cp-1-turn", "talos")
