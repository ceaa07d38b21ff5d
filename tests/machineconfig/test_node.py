"""Who sets what on a Node: Talos what a kubelet may set, and the platform's kubeconfig the rest."""

import pytest
from conftest import changed, stack_platform

from core.machineconfig.documents import documents
from core.machineconfig.node import node_settings
from core.model import parse

LABELS = {
    "example.com/pool": "gpu",
    "node-restriction.kubernetes.io/tier": "secret",
    "node-role.kubernetes.io/gpu": "",
    "topology.kubernetes.io/zone": "r1",
}
REFUSED = ("node-restriction.kubernetes.io/tier", "node-role.kubernetes.io/gpu")


def talos_sets(platform, name):
    return {
        key
        for document in documents(platform, name)
        for key in (document.get("machine", {}).get("nodeLabels") or {})
        if key in LABELS
    }


@pytest.mark.parametrize(("machine", "refused"), [("wk-1", REFUSED), ("cp-1", ())])
def test_a_label_that_a_kubelet_may_not_set_is_not_in_its_config(machine, refused):
    raw = changed(stack_platform("prod"), {f"machines.{machine}.labels": LABELS})
    platform = parse(raw)
    settings = node_settings(platform, machine)
    assert settings.labels.items() >= LABELS.items()
    assert settings.not_by_kubelet == refused and settings.kubelet_may_taint == (machine == "cp-1")
    assert talos_sets(platform, machine) == LABELS.keys() - set(refused)


def test_taints_stay_in_a_workers_config_because_its_kubelet_registers_with_them():
    raw = changed(stack_platform("prod"), {"machines.wk-1.taints": {"example.com/gpu": "yes:NoSchedule"}})
    platform = parse(raw)
    assert node_settings(platform, "wk-1").taints == {"example.com/gpu": "yes:NoSchedule"}
    machines = [document.get("machine", {}) for document in documents(platform, "wk-1")]
    assert [each["nodeTaints"] for each in machines if "nodeTaints" in each] == [{"example.com/gpu": "yes:NoSchedule"}]
