"""The machine config where the cluster saves its own etcd."""

import json

import pytest
from conftest import changed

from core.machineconfig.documents import patches
from tests.machineconfig.contracts import at

WANTED = {"talos.snapshots": {"schedule": "0 */6 * * *", "to": {"claim": "etcd"}}}
MAY = {"allowedRoles": ["os:etcd:backup"], "allowedKubernetesNamespaces": ["etcd-snapshots"]}


def documents(raw, name, contract="v1.12"):
    return [json.loads(patch) for patch in patches(at(contract, raw), name)]


def access(raw, name, contract="v1.12"):
    """The settings about pods that query the Talos API, as a field and as a document."""
    config = documents(raw, name, contract)
    fields = [
        d["machine"]["features"]["kubernetesTalosAPIAccess"]
        for d in config
        if "kubernetesTalosAPIAccess" in d.get("machine", {}).get("features", {})
    ]
    return fields, [{k: d[k] for k in MAY} for d in config if d.get("kind") == "KubeTalosAPIAccessConfig"]


@pytest.mark.parametrize(
    ("contract", "expected"),
    [("v1.12", ([{"enabled": True, **MAY}], [])), ("v1.13", ([{"enabled": True, **MAY}], [])), ("v1.14", ([], [MAY]))],
)
def test_pods_of_one_namespace_may_only_save_etcd(prod, contract, expected):
    assert access(changed(prod, WANTED), "cp-1", contract) == expected


def test_workers_have_no_such_setting(prod):
    """Talos refuses a worker's config with this setting."""
    assert access(changed(prod, WANTED), "wk-1") == ([], [])
    assert documents(changed(prod, WANTED), "wk-1") == documents(changed(prod, {"talos.snapshots": {}}), "wk-1")


def test_without_a_schedule_nothing_changes(prod):
    off = changed(prod, {"talos.snapshots": {}})
    assert access(off, "cp-1") == ([], [])
    assert "127.0.0.1" not in [san for d in documents(off, "cp-1") for san in d.get("machine", {}).get("certSANs", [])]
    assert documents(off, "cp-1") == documents(changed(off, {"talos.snapshots": {"folder": "/srv/snapshots"}}), "cp-1")


def test_a_control_planes_certificate_is_valid_for_the_address_at_which_it_queries_itself(prod):
    assert {"machine": {"certSANs": ["127.0.0.1"]}} in documents(changed(prod, WANTED), "cp-2")


@pytest.mark.parametrize("admins", [[], ["198.51.100.0/24"]])
def test_pods_reach_the_talos_api_of_control_planes_only(prod, admins):
    raw = changed(prod, {**WANTED, "talos.firewall": {"admins": admins}})
    pods = {"subnet": prod["network"]["pods"]}

    def open_to_pods(name):
        return [
            d["name"]
            for d in documents(raw, name)
            if d.get("kind") == "NetworkRuleConfig" and 50000 in d["portSelector"]["ports"] and pods in d["ingress"]
        ]

    assert (open_to_pods("cp-1"), open_to_pods("wk-1")) == (["apid-pods"], [])
