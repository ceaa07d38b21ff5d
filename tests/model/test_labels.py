"""Labels and taints: what a worker's kubelet may not set is refused, and what it may set is not."""

import pytest
from conftest import changed, stack_platform
from refusing import TODAY, accepted, refused

from core.model import StackFileError, parse

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


@pytest.mark.parametrize("label", FORBIDDEN)
def test_a_label_that_a_worker_may_not_set_is_refused_on_workers_alone(label):
    line = refused({"machines.wk-1.labels": {label: "a"}})
    assert line.startswith(f"platform.machines.wk-1.labels.{label}: {label} can't be set by a worker: ")
    assert "Talos sends labels, annotations and taints in one request" in line
    assert accepted({"machines.cp-1.labels": {label: "a"}})


@pytest.mark.parametrize("label", ALLOWED)
def test_a_label_that_a_worker_may_set_is_accepted(label):
    assert accepted({"machines.wk-1.labels": {label: "a"}, "machines.cp-1.labels": {label: "a"}})


@pytest.mark.parametrize(
    "label", ["kubernetes.io/hostname", "kubernetes.io/os", "kubernetes.io/arch", "beta.kubernetes.io/arch"]
)
def test_a_label_that_the_kubelet_sets_itself_is_refused(label):
    for machine in ("cp-1", "wk-1"):
        assert "is set by the kubelet itself" in refused({f"machines.{machine}.labels": {label: "a"}})


@pytest.mark.parametrize(
    "taint", ["dedicated", "example.com/gpu", "node-role.kubernetes.io/storage", "node.kubernetes.io/x"]
)
def test_a_taint_is_refused_on_workers_alone(taint):
    for value in ("gpu:NoSchedule", "NoExecute"):
        line = refused({"machines.wk-1.taints": {taint: value}})
        assert line.startswith(f"platform.machines.wk-1.taints.{taint}: {taint} can't be set on a worker: ")
        assert line.endswith(f"kubectl taint node wk-1 {taint}={value}")
        assert accepted({"machines.cp-1.taints": {taint: value}})


@pytest.mark.parametrize("key", ["labels", "taints"])
def test_what_a_class_sets_is_told_once_and_there(key):
    """Two workers take it over; a control plane of the class may have it."""
    entry = {"labels": {"node-role.kubernetes.io/gpu": ""}, "taints": {"gpu": "NoSchedule"}}[key]
    (name,) = entry
    raw = changed(stack_platform("prod"), {"classes.gpu": {key: entry}, "machines.cp-1.class": "gpu"})
    assert parse(raw, TODAY)
    line = refused({"classes.gpu": {key: entry}, "machines.wk-1.class": "gpu", "machines.wk-2.class": "gpu"})
    assert line.startswith(f"platform.classes.gpu.{key}.{name}: ")


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
