"""A node emptied, against a real TLS server that keeps Nodes and pods, and against the real Kubernetes API."""

import re
import threading

import pytest

from provider import draining, framework, nodes
from tests.provider.kubernetes_server import Cluster, pod

pytestmark = pytest.mark.usefixtures("quick", "soon")

BUDGET = {
    "message": "Cannot evict pod as it would violate the pod's disruption budget.",
    "details": {
        "causes": [
            {
                "reason": "DisruptionBudget",
                "message": "The disruption budget web needs 2 healthy pods and has 2 currently",
            }
        ]
    },
}
MIGRATES = {
    "message": (
        'admission webhook "virt-launcher-eviction-interceptor.kubevirt.io" denied the request: Eviction triggered'
        ' evacuation of VMI "shop/db"'
    )
}
STUCK = {
    "message": (
        'admission webhook "virt-launcher-eviction-interceptor.kubevirt.io" denied the request: VMI db is configured'
        " with an eviction strategy but is not live-migratable"
    )
}


@pytest.fixture
def cluster(tmp_path):
    made = []

    def start(*pods, **how):
        made.append(Cluster(tmp_path, pods, **how))
        return made[-1]

    yield start
    for one in made:
        one.server.shutdown()
        one.server.server_close()


def drained(at, said=None, seconds=5.0, node="wk-1"):
    draining.drain(at.access(), node, seconds, said.append if said is not None else lambda text: None)


def test_it_is_cordoned_first_and_left_when_its_pods_are_gone(cluster):
    at, said = cluster(pod("web-1"), pod("web-2"), lists=2), []
    drained(at, said)
    assert at.calls[0] == "PATCH /api/v1/nodes/wk-1" and at.nodes["wk-1"]["spec"] == {"unschedulable": True}
    assert (at.evicted, at.pods, said[0]) == (["web-1", "web-2"], {}, "2 pods are evicted")
    kind, eviction = at.bodies[1]
    assert (at.bodies[0][0], kind) == ("application/merge-patch+json", "application/json")
    assert eviction == {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"namespace": "default", "name": "web-1"},
        "deleteOptions": {"preconditions": {"uid": "uid-web-1"}},
    }


def test_what_belongs_to_the_node_stays_and_what_is_over_is_nobodys_matter(cluster):
    mirror = pod("kube-apiserver", owner="Node", annotations={"kubernetes.io/config.mirror": "x"})
    at = cluster(
        pod("cilium-1", owner="DaemonSet"), mirror, pod("job-1", phase="Succeeded"), pod("job-2", phase="Failed")
    )
    drained(at)
    assert at.evicted == [] and len(at.pods) == 4


def test_one_that_ends_already_is_not_evicted_again_but_waited_for(cluster):
    at = cluster(pod("web-1", deletionTimestamp="2026-01-01T00:00:00Z"), lists=3)
    drained(at)
    assert at.evicted == [] and at.pods == {}


def test_a_pod_that_nobody_makes_again_is_named_before_it_goes(cluster):
    at, said = cluster(pod("shell", owner=None)), []
    drained(at, said)
    assert said[0] == "1 pods are evicted; pod default/shell has no controller, and is not created again"


def test_a_budget_is_waited_for(cluster):
    at = cluster(pod("web-1"), refusals={"web-1": [(429, BUDGET), (429, BUDGET), (0, {})]})
    drained(at)
    assert at.evicted == ["web-1"] and sum("eviction" in call for call in at.calls) == 3


def test_a_budget_that_never_gives_is_named_with_its_pod(cluster):
    at, said = cluster(pod("web-1"), pod("web-2"), refusals={"web-1": [(429, BUDGET)]}), []
    with pytest.raises(framework.UserError) as failed:
        drained(at, said, 1.0)
    assert (
        str(failed.value)
        == "wk-1 was not drained within 1 s (last: pod default/web-1 stays: The disruption budget web needs 2 healthy"
        " pods and has 2 currently); the resources that depend on it are not created; move what stays by hand"
        " (kubectl get pods -A --field-selector spec.nodeName=wk-1), or relax its disruption budget, and run up"
        " again"
    )
    assert at.evicted == ["web-2"]
    assert re.fullmatch(
        r"waiting, \d s of 1 s: wk-1 was not drained \(last: pod default/web-1 stays: The disruption budget web .*\)",
        said[-1],
    )


def launcher(name="virt-launcher-db-x"):
    owners = [{"kind": "VirtualMachineInstance", "name": "db", "controller": True}]
    return pod(name, namespace="shop") | {
        "metadata": {"namespace": "shop", "name": name, "uid": f"uid-{name}", "ownerReferences": owners}
    }


def test_a_virtual_machine_that_migrates_is_waited_for(cluster):
    at = cluster(launcher(), refusals={"virt-launcher-db-x": [(429, MIGRATES)]})

    def leave():
        at.pods.clear()

    threading.Timer(0.3, leave).start()
    drained(at)
    assert at.evicted == [] and at.pods == {}


@pytest.mark.parametrize("code", [429, 403, 500])
def test_a_virtual_machine_that_cannot_migrate_is_named_and_not_its_pod(cluster, code):
    at = cluster(launcher(), refusals={"virt-launcher-db-x": [(code, STUCK)]})
    with pytest.raises(
        framework.UserError, match=r"last: virtual machine shop/db stays: .* is not live-migratable.; the resources"
    ):
        drained(at, seconds=1.0)


def test_a_node_whose_kubelet_is_silent_says_so(cluster):
    at = cluster(pod("web-1"), ready="Unknown", ends=False)
    with pytest.raises(
        framework.UserError,
        match="last: pod default/web-1 is terminating; its kubelet does not report, so its pods can't end",
    ):
        drained(at, seconds=1.0)


def test_of_many_a_few_are_named(cluster):
    at = cluster(*(pod(f"web-{n}") for n in range(7)), ends=False)
    with pytest.raises(framework.UserError, match="pod default/web-4 is terminating; and 2 more"):
        drained(at, seconds=1.0)


def test_a_node_that_is_not_there_is_empty(cluster):
    at = cluster(node=None)
    drained(at)
    nodes.uncordon(at.access(), "wk-1")
    nodes.delete(at.access(), "wk-1")
    assert at.nodes == {}


def test_a_cordon_is_undone_and_a_node_forgotten(cluster):
    at = cluster()
    nodes.cordon(at.access(), "wk-1")
    nodes.uncordon(at.access(), "wk-1")
    assert at.nodes["wk-1"]["spec"] == {"unschedulable": False}
    nodes.delete(at.access(), "wk-1")
    assert at.nodes == {}


def test_an_api_that_is_away_for_a_moment_is_asked_again(cluster):
    at = cluster(pod("web-1"))
    at.down = 3
    drained(at)
    assert at.evicted == ["web-1"]


def test_one_that_stays_away_ends_it_by_name(cluster):
    at = cluster()
    at.down = 10**6
    with pytest.raises(framework.UserError) as failed:
        nodes.delete(at.access(), "wk-1")
    assert str(failed.value).startswith(
        "Node wk-1 was not deleted within 1 s (last: HTTP 503); the resources that depend on it are not created; check"
        " that https://localhost:"
    )


def test_a_refused_client_is_not_waited_for(cluster, monkeypatch):
    at = cluster()
    monkeypatch.setattr(at, "do", lambda *asked: (403, {"message": 'User "admin" cannot patch resource "nodes"'}))
    with pytest.raises(framework.UserError, match=r"refuses this client certificate \(HTTP 403\)"):
        drained(at)
    assert len(at.calls) == 1
