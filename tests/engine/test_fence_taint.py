"""What `fence` reads and changes, at a real Kubernetes API. No controller runs here."""

from datetime import UTC, datetime

import pytest

from clients import kubernetes
from clients.kubernetes import Access
from lab import prepare
from lab.testing.kubeapi import KubernetesAPI
from operations.fence.cluster import Cluster, Unanswered, tainted
from tests.operations.fencing import CORDON, TAINTED
from tests.provider.certificates import Pki, admin, pem

pytestmark = pytest.mark.engine

GPU = {"key": "gpu", "value": "a100", "effect": "NoSchedule"}
RENEWED = "2026-01-02T03:04:05.678901Z"


@pytest.fixture(scope="module")
def access(tmp_path_factory):
    folder, pki = tmp_path_factory.mktemp("fence"), Pki()
    (folder / "client-ca.crt").write_text(pem(pki.ca))
    extra = [f"--client-ca-file={folder / 'client-ca.crt'}", "--disable-admission-plugins=TaintNodesByCondition"]
    with KubernetesAPI(folder / "api", prepare.binaries("kubernetes-api"), extra_arguments=extra) as api:
        yield Access.parse(admin(api, pki))


def make(access, path, **fields):
    with access.tls() as tls:
        kubernetes.post(access, tls, path, fields)


def test_the_taint_is_merged_with_those_of_others_and_removed_alone(access):
    make(access, "/api/v1/nodes", metadata={"name": "wk-2"}, spec={"taints": [GPU, CORDON]})
    cluster = Cluster(access)
    for _ in range(2):
        cluster.taint("wk-2")
        node = cluster.nodes()["wk-2"]
        assert tainted(node)
        assert sorted(node["spec"]["taints"], key=str) == sorted([GPU, CORDON, TAINTED], key=str)
    for _ in range(2):
        cluster.untaint("wk-2")
        node = cluster.nodes()["wk-2"]
        assert not tainted(node)
        assert sorted(node["spec"]["taints"], key=str) == sorted([GPU, CORDON], key=str)


def test_a_change_of_others_in_between_is_kept(access, monkeypatch):
    make(access, "/api/v1/nodes", metadata={"name": "wk-4"}, spec={"taints": [GPU]})
    send, others = kubernetes.patch, [CORDON]

    def late(access, tls, path, body):
        if others:
            send(access, tls, path, {"spec": {"taints": [GPU, others.pop()]}})
        send(access, tls, path, body)

    monkeypatch.setattr(kubernetes, "patch", late)
    cluster = Cluster(access)
    cluster.taint("wk-4")
    assert sorted(cluster.nodes()["wk-4"]["spec"]["taints"], key=str) == sorted([GPU, CORDON, TAINTED], key=str)


def test_a_lease_is_read_and_none_is_none(access):
    cluster, leases = Cluster(access), "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
    assert cluster.renewed("wk-3") is None
    # Made by hand: the API makes this namespace only a while after its start.
    with access.tls() as tls:
        names = {each["metadata"]["name"] for each in kubernetes.items(access, tls, "/api/v1/namespaces")}
    if "kube-node-lease" not in names:
        make(access, "/api/v1/namespaces", metadata={"name": "kube-node-lease"})
    make(access, leases, metadata={"name": "wk-3"}, spec={"holderIdentity": "wk-3", "renewTime": RENEWED})
    assert cluster.renewed("wk-3") == datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)


def test_an_api_without_kubevirt_has_no_virtual_machines(access):
    cluster = Cluster(access)
    assert (cluster.instances("wk-2"), cluster.virtual_machines(), cluster.volumes()) == ([], {}, {})


def test_a_node_that_is_gone_is_named(access):
    with pytest.raises(Unanswered, match="the Node wk-9 can't be changed by the Kubernetes API"):
        Cluster(access).taint("wk-9")
