"""What Cilium needs on Talos."""

from conftest import changed

from core.manifests.cilium import announcements, values
from core.model import parse


def test_cilium_replaces_kube_proxy_and_finds_the_api_through_kubeprism(dev):
    chart = values(parse(dev))
    assert (chart["kubeProxyReplacement"], chart["k8sServiceHost"], chart["k8sServicePort"]) == (
        True,
        "localhost",
        7445,
    )


def test_the_agent_loads_no_kernel_module(dev):
    """Talos forbids it, and the pod would not start."""
    assert "SYS_MODULE" not in str(values(parse(dev)))


def test_hubbles_certificates_are_not_created_anew_by_each_plan(dev):
    assert values(parse(dev))["hubble"]["tls"]["auto"]["method"] == "cronJob"


def test_the_cgroup_switch_is_spelt_as_the_chart_reads_it(dev):
    """With the misspelt `automount`, which Helm ignores, the agent would fail to mount the cgroup."""
    assert values(parse(dev))["cgroup"]["autoMount"] == {"enabled": False}


def test_traffic_between_nodes_is_encrypted_unless_the_stack_disables_it(dev):
    assert values(parse(dev))["encryption"] == {"enabled": True, "type": "wireguard", "nodeEncryption": True}
    assert "encryption" not in values(parse(changed(dev, {"cilium.encryption": "none"})))


def test_a_pool_is_announced_on_the_node_network(prod):
    pool, policy = announcements(parse(prod))
    assert pool["spec"]["blocks"] == [{"start": "10.20.0.200", "stop": "10.20.0.220"}]
    assert policy["spec"] == {"loadBalancerIPs": True}
    assert values(parse(prod))["l2announcements"] == {"enabled": True}


def test_without_a_pool_nothing_is_announced(dev):
    assert list(announcements(parse(dev))) == []


def test_cilium_has_two_operators_where_two_nodes_can_run_them(dev, prod):
    assert values(parse(dev))["operator"] == {"replicas": 1}
    assert values(parse(prod))["operator"] == {"replicas": 2}
