"""What a Node has to show, set and read back against a real TLS server that keeps Nodes."""

import asyncio
import copy

import pytest

from operations.drift.nodes import Nodes, Unread
from provider import framework
from provider.resources import RESOURCES
from provider.resources.node_settings import change
from tests.provider.kubernetes_server import Cluster

pytestmark = pytest.mark.usefixtures("quick", "soon")

SETTINGS = RESOURCES["bedplate-native:kubernetes:NodeSettings"]
RESTRICTED = "node-restriction.kubernetes.io/tier"
WORKER = {
    "node": "wk-1",
    "labels": {"example.com/pool": "gpu", RESTRICTED: "secret"},
    "taints": {"example.com/gpu": "yes:NoSchedule"},
    "annotations": {"bedplate/rack": "r1"},
    "notByKubelet": [RESTRICTED],
    "kubeletMayTaint": False,
}
PLANE = {**WORKER, "node": "cp-1", "notByKubelet": [], "kubeletMayTaint": True}
CORDON = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


@pytest.fixture
def cluster(tmp_path):
    made = []

    def start(node, labels=None, annotations=None, taints=()):
        at = Cluster(tmp_path, [], node=node)
        at.nodes[node]["metadata"] = {"labels": labels or {}, "annotations": annotations or {}, "resourceVersion": "7"}
        at.nodes[node]["spec"] = {"taints": list(taints)}
        made.append(at)
        return at

    yield start
    for one in made:
        one.server.shutdown()
        one.server.server_close()


def settle(at, inputs, state=None, seconds=0.3):
    given = {**inputs, "kubeconfig": at.kubeconfig(), "timeoutSeconds": seconds}
    run = SETTINGS.update("", state, given, print) if state else SETTINGS.create(given, print)
    return asyncio.run(run)


def talos_sets(labels, annotations):
    """What Talos has set, with the kubelet's rights."""
    return {"labels": labels, "annotations": annotations}


def test_what_a_workers_kubelet_may_not_set_is_set(cluster):
    at = cluster("wk-1", **talos_sets({"example.com/pool": "gpu"}, {"bedplate/rack": "r1"}), taints=[CORDON])
    identity, _ = settle(at, WORKER)
    node = at.nodes["wk-1"]
    assert identity == "wk-1"
    assert node["metadata"]["labels"][RESTRICTED] == "secret"
    assert node["spec"]["taints"] == [CORDON, {"key": "example.com/gpu", "value": "yes", "effect": "NoSchedule"}]
    # The API refuses it if the Node changed since it was read.
    assert at.bodies[0][1]["metadata"]["resourceVersion"] == "7"


def test_nothing_is_written_to_a_node_that_shows_all_of_it(cluster):
    taint = {"key": "example.com/gpu", "value": "yes", "effect": "NoSchedule"}
    at = cluster("wk-1", dict(WORKER["labels"]), {"bedplate/rack": "r1"}, [taint])
    settle(at, WORKER)
    assert not at.bodies


def test_a_control_planes_node_is_only_read(cluster):
    at = cluster("cp-1", {"example.com/pool": "gpu"})
    with pytest.raises(framework.UserError) as error:
        settle(at, PLANE)
    assert not at.bodies
    assert str(error.value) == (
        "Node cp-1 did not show what is declared for it within 0 s (last: labels.node-restriction.kubernetes.io/tier "
        "is missing, not 'secret'; annotations.bedplate/rack is missing, not 'r1'; taints.example.com/gpu is missing, "
        "not 'yes:NoSchedule'); the resources that depend on it are not created; look at the refusals that Talos logs: "
        "talosctl -n ADDRESS logs controller-runtime; and at: kubectl describe node cp-1; then run up again"
    )


def test_what_talos_has_not_set_is_named(cluster):
    at = cluster("wk-1", {"example.com/pool": "cpu"}, {"bedplate/rack": "r1"})
    with pytest.raises(framework.UserError, match=r"last: labels\.example\.com/pool is 'cpu', not 'gpu'\)"):
        settle(at, WORKER)


def test_a_node_that_registers_late_is_waited_for(cluster):
    at = cluster("wk-1", dict(WORKER["labels"]), {"bedplate/rack": "r1"})
    at.down = 3
    settle(at, WORKER, seconds=5)


def test_what_is_no_longer_declared_is_removed_and_the_rest_stays(cluster):
    own = {"key": "example.com/own", "effect": "NoExecute"}
    taint = {"key": "example.com/gpu", "value": "yes", "effect": "NoSchedule"}
    at = cluster("wk-1", {**WORKER["labels"], "set-by": "a-person"}, {"bedplate/rack": "r1"}, [own, taint, CORDON])
    less = {**WORKER, "labels": {"example.com/pool": "gpu"}, "taints": {}, "notByKubelet": []}
    settle(at, less, WORKER)
    assert at.nodes["wk-1"]["metadata"]["labels"] == {"example.com/pool": "gpu", "set-by": "a-person"}
    assert at.nodes["wk-1"]["spec"]["taints"] == [own, CORDON]


@pytest.mark.parametrize(
    ("has", "declared", "left"),
    [
        ([], {"a": "NoSchedule"}, [{"key": "a", "effect": "NoSchedule"}]),
        ([], {"a": "x:NoExecute"}, [{"key": "a", "value": "x", "effect": "NoExecute"}]),
        # Another value.
        (
            [{"key": "a", "value": "x", "effect": "NoSchedule", "timeAdded": "2026-01-01T00:00:00Z"}],
            {"a": "y:NoSchedule"},
            [{"key": "a", "value": "y", "effect": "NoSchedule", "timeAdded": "2026-01-01T00:00:00Z"}],
        ),
    ],
)
def test_taints_become_those_that_are_declared(has, declared, left):
    inputs = {**WORKER, "labels": {}, "notByKubelet": [], "taints": declared}
    assert change({"spec": {"taints": has}}, inputs, {}) == {"spec": {"taints": left}}


OWN = {"key": "a", "value": "mine", "effect": "NoExecute"}
OURS = {"key": "a", "effect": "NoSchedule"}
PREFERRED = {"key": "a", "effect": "PreferNoSchedule"}


@pytest.mark.parametrize(
    ("has", "before", "declared", "left"),
    [
        # An operator's own taint of the same key stays beside what is declared, added, changed or no longer declared.
        ([OWN], {}, {"a": "NoSchedule"}, [OWN, OURS]),
        ([OWN, OURS], {"a": "NoSchedule"}, {}, [OWN]),
        ([OURS, OWN], {"a": "NoSchedule"}, {"a": "x:NoSchedule"}, [{**OURS, "value": "x"}, OWN]),
        ([OWN, OURS, CORDON], {"a": "NoSchedule"}, {"a": "PreferNoSchedule"}, [OWN, CORDON, PREFERRED]),
        # What the last update declared goes, whatever value it has by now.
        ([OURS], {"a": "NoSchedule"}, {"a": "NoExecute"}, [{"key": "a", "effect": "NoExecute"}]),
        ([OWN, CORDON], {"a": "x:NoExecute"}, {}, [CORDON]),
        ([OWN, CORDON], {"a": "NoExecute"}, {"b": "NoSchedule"}, [CORDON, {"key": "b", "effect": "NoSchedule"}]),
    ],
)
def test_a_taint_that_was_never_declared_stays(has, before, declared, left):
    inputs = {**WORKER, "labels": {}, "notByKubelet": [], "taints": declared}
    assert change({"spec": {"taints": has}}, inputs, {"taints": before})["spec"] == {"taints": left}


@pytest.mark.parametrize("before", [{}, {"a": "PreferNoSchedule"}, {"a": "NoSchedule"}, {"b": "NoExecute"}])
def test_an_own_taint_of_a_declared_key_is_no_reason_to_write(before):
    inputs = {**WORKER, "labels": {}, "notByKubelet": [], "taints": {"a": "NoSchedule"}}
    assert change({"spec": {"taints": [OWN, OURS]}}, inputs, {"taints": before}) == {}


def test_a_change_that_was_made_is_none_any_more():
    node = {"metadata": {"labels": dict(WORKER["labels"])}, "spec": {}}
    node["spec"] = change(copy.deepcopy(node), WORKER, {})["spec"]
    assert change(node, WORKER, {}) == {}


def state_of(at, node="wk-1"):
    return [
        {"type": SETTINGS.contract.token, "outputs": {**WORKER, "node": node}},
        {"type": "bedplate-native:kubernetes:Kubeconfig", "outputs": {"kubeconfig": at.kubeconfig()}},
    ]


def test_drift_names_what_a_node_does_not_show(cluster):
    at = cluster("wk-1", {"example.com/pool": "cpu"}, {"bedplate/rack": "r1"})
    assert [str(each) for each in Nodes.of(state_of(at)).compare("wk-1")] == [
        "Node: labels.example.com/pool: gpu -> cpu",
        "Node: labels.node-restriction.kubernetes.io/tier: secret -> missing",
        "Node: taints.example.com/gpu: yes:NoSchedule -> missing",
    ]
    assert not at.bodies


def test_drift_names_a_node_that_is_not_there_or_not_readable(cluster):
    at = cluster("wk-1")
    assert list(Nodes.of([]).compare("wk-1")) == []
    with pytest.raises(Unread, match=r"^it has no Node in Kubernetes$"):
        list(Nodes.of(state_of(at, "wk-2")).compare("wk-2"))
    at.down = 9
    with pytest.raises(Unread, match=r"^its Node could not be read: HTTP 503$"):
        list(Nodes.of(state_of(at)).compare("wk-1"))
    with pytest.raises(Unread, match=r"^its Node was not read, because the state has no kubeconfig$"):
        list(Nodes.of(state_of(at)[:1]).compare("wk-1"))
