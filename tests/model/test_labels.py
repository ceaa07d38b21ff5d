"""Labels: which ones a worker's kubelet may set, which ones it sets itself, and prefixes that are DNS names."""

import pytest
from refusing import accepted, refused

from core.facts.node_labels import OWN, is_forbidden
from core.model import StackFileError

FORBIDDEN = [
    "node-restriction.kubernetes.io/team",
    "eu.node-restriction.kubernetes.io/team",
    "node-role.kubernetes.io/worker",
    "node-role.kubernetes.io/storage",
    "app.kubernetes.io/component",
    "kubernetes.io/role",
    "k8s.io/pool",
    "storage.k8s.io/tier",
    "topology.kubernetes.io/rack",
    "node-restriction.node.kubernetes.io.kubernetes.io/x",
]
ALLOWED = [
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "node.kubernetes.io/instance-type",
    "node.kubernetes.io/anything",
    "gpu.node.kubernetes.io/model",
    "kubelet.kubernetes.io/x",
    "example.com/pool",
    "pool",
    "kubernetes.io.example.com/pool",
    "notkubernetes.io/pool",
    "feature.node.example.com/cpu",
]


@pytest.mark.parametrize("label", FORBIDDEN + ALLOWED)
def test_a_label_is_forbidden_to_kubelets_by_the_rules_of_the_api(label):
    """Those are set with the platform's own kubeconfig, so the stack file may have them on any machine."""
    assert is_forbidden(label) == (label in FORBIDDEN)
    for machine in ("cp-1", "wk-1"):
        assert accepted({f"machines.{machine}.labels": {label: "a"}})


@pytest.mark.parametrize("label", sorted(OWN))
def test_a_label_that_the_kubelet_sets_itself_is_refused(label):
    for machine in ("cp-1", "wk-1"):
        line = refused({f"machines.{machine}.labels": {label: "a"}})
        assert line.startswith(f"platform.machines.{machine}.labels.{label}: {label} is set by the kubelet itself")


def test_what_a_class_sets_is_told_once_and_there():
    labels = {"kubernetes.io/hostname": "a"}
    edits = {"classes.gpu": {"labels": labels}, "machines.wk-1.class": "gpu", "machines.wk-2.class": "gpu"}
    assert refused(edits).startswith("platform.classes.gpu.labels.kubernetes.io/hostname: ")


@pytest.mark.parametrize("prefix", ["a..b", ".a", "a.", "-a", "a-.b", "a_b", "A.b", "", f"{'a' * 64}.{'b' * 190}"])
def test_a_prefix_that_is_no_dns_name_is_refused(prefix):
    for edits in (
        {"machines.cp-1.labels": {f"{prefix}/c": "x"}},
        {"machines.cp-1.taints": {f"{prefix}/c": "NoSchedule"}},
    ):
        with pytest.raises(StackFileError, match="is not a valid label key"):
            accepted(edits)


@pytest.mark.parametrize("key", ["a.b/c", "a-b.c1/D_e.f", "1a/x", "a/b", f"{'a.' * 126}b/c"])
def test_a_prefix_that_is_a_dns_name_is_accepted(key):
    assert accepted({"machines.cp-1.labels": {key: "x"}, "machines.cp-1.taints": {key: "NoSchedule"}})
