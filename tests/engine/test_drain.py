"""A node drained through the real Kubernetes API. No kubelet runs here, so the test itself ends evicted pods."""

import json
import re
import subprocess
import threading
import time

import pytest

from clients.kubernetes import Access
from lab import prepare
from lab.speed import deadline
from lab.testing.kubeapi import KubernetesAPI
from provider import draining, framework, nodes, waiting
from tests.provider.certificates import Pki, admin, pem

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    folder, pki = tmp_path_factory.mktemp("drain"), Pki()
    (folder / "client-ca.crt").write_text(pem(pki.ca))
    # No controllers run, so the service accounts of pods do not exist.
    extra = [f"--client-ca-file={folder / 'client-ca.crt'}", "--disable-admission-plugins=ServiceAccount"]
    with KubernetesAPI(folder / "api", prepare.binaries("kubernetes-api"), extra_arguments=extra) as api:
        yield api, Access.parse(admin(api, pki))


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(waiting, "PAUSE_SECONDS", 0.1)
    monkeypatch.setattr(draining, "AGAIN_SECONDS", 0.2)


def kubectl(at, *arguments, given=None):
    command = [str(prepare.binaries("kubectl")["kubectl"]), f"--kubeconfig={at.kubeconfig}", *arguments]
    done = subprocess.run(
        command, input=json.dumps(given) if given else None, capture_output=True, text=True, timeout=deadline(30)
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def apply(at, *objects):
    for one in objects:
        kubectl(at, "create", "-f", "-", given=one)


def pod(name, node, kind="ReplicaSet", labels=None, **annotations):
    owner = {
        "apiVersion": "apps/v1",
        "kind": kind,
        "name": "owner",
        "uid": "11111111-1111-1111-1111-111111111111",
        "controller": True,
    }
    meta = {
        "name": name,
        "namespace": "default",
        "labels": labels or {},
        "annotations": annotations,
        "ownerReferences": [owner],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta,
        "spec": {"nodeName": node, "containers": [{"name": "c", "image": "i"}]},
    }


def node(name):
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}


class Kubelet(threading.Thread):
    """Ends the pods that were evicted."""

    def __init__(self, at):
        super().__init__(daemon=True)
        self.at, self.over = at, threading.Event()

    def run(self):
        while not self.over.wait(0.2):
            for one in json.loads(kubectl(self.at, "get", "pods", "--output=json"))["items"]:
                if one["metadata"].get("deletionTimestamp"):
                    kubectl(
                        self.at,
                        "delete",
                        "pod",
                        one["metadata"]["name"],
                        "--grace-period=0",
                        "--force",
                        "--ignore-not-found",
                    )

    def __enter__(self):
        self.start()

    def __exit__(self, *ended):
        self.over.set()
        self.join()


def names(at):
    return sorted(one["metadata"]["name"] for one in json.loads(kubectl(at, "get", "pods", "--output=json"))["items"])


def test_movable_pods_are_evicted_and_the_nodes_own_pods_stay(api):
    at, access = api
    apply(
        at,
        node("wk-1"),
        pod("web-1", "wk-1"),
        pod("agent-1", "wk-1", kind="DaemonSet"),
        pod("web-2", "wk-2"),
        node("wk-2"),
    )
    progress = []
    with Kubelet(at):
        draining.drain(access, "wk-1", 30, progress.append)
    assert names(at) == ["agent-1", "web-2"] and progress[0] == "1 pods are evicted"
    worker = json.loads(kubectl(at, "get", "node", "wk-1", "--output=json"))
    assert worker["spec"]["unschedulable"] is True
    nodes.uncordon(access, "wk-1")
    nodes.annotate(access, "wk-1", {"bedplate/decommission": "wipe"})
    worker = nodes.read(access, "wk-1")
    assert worker["metadata"]["annotations"]["bedplate/decommission"] == "wipe"
    assert "unschedulable" not in worker["spec"]
    nodes.delete(access, "wk-1")
    nodes.delete(access, "wk-1")
    assert nodes.read(access, "wk-1") is None


def test_a_disruption_budget_blocks_the_drain_by_name_until_it_allows_the_eviction(api):
    at, access = api
    labels = {"app": "shop"}
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "shop", "namespace": "default"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": labels}},
    }
    apply(at, node("wk-3"), pod("shop-1", "wk-3", labels=labels), budget)
    running = {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}
    kubectl(at, "patch", "pod", "shop-1", "--subresource=status", "--type=merge", f"--patch={json.dumps(running)}")
    # The status that the controller would write.
    kubectl(
        at, "patch", "pdb", "shop", "--subresource=status", "--type=merge", f"--patch={json.dumps(_counted(allowed=0))}"
    )
    with pytest.raises(
        framework.UserError,
        match=re.escape(
            "last: pod default/shop-1 stays: The disruption budget shop needs 1 healthy pods and has 1 currently); "
            "the resources that depend on it"
        ),
    ):
        draining.drain(access, "wk-3", 2, lambda text: None)
    assert "shop-1" in names(at)
    threading.Timer(
        1.0,
        lambda: kubectl(
            at,
            "patch",
            "pdb",
            "shop",
            "--subresource=status",
            "--type=merge",
            f"--patch={json.dumps(_counted(allowed=1))}",
        ),
    ).start()
    with Kubelet(at):
        began = time.monotonic()
        draining.drain(access, "wk-3", 30, lambda text: None)
    assert "shop-1" not in names(at) and time.monotonic() - began > 0.9


def _counted(allowed):
    return {
        "status": {
            "observedGeneration": 1,
            "currentHealthy": 1,
            "desiredHealthy": 1,
            "expectedPods": 1,
            "disruptionsAllowed": allowed,
        }
    }
