"""What Cilium needs on Talos."""

from conftest import changed

from core.manifests.cilium import announcements, values
from core.model import parse


def test_cilium_replaces_kube_proxy_and_finds_the_api_through_kubeprism(dev):
    made = values(parse(dev))
    assert (made["kubeProxyReplacement"], made["k8sServiceHost"], made["k8sServicePort"]) == (True, "localhost", 7445)


def test_the_agent_loads_no_kernel_module(dev):
    """Talos forbids it, and the pod would not start."""
    assert "SYS_MODULE" not in str(values(parse(dev)))


def test_certificates_of_hubble_are_not_made_at_each_plan(dev):
    assert values(parse(dev))["hubble"]["tls"]["auto"]["method"] == "cronJob"


def test_the_cgroup_switch_is_spelt_as_the_chart_reads_it(dev):
    """Helm ignores automount, and the agent then fails to mount."""
    assert values(parse(dev))["cgroup"]["autoMount"] == {"enabled": False}


def test_traffic_between_nodes_is_encrypted_unless_the_stack_says_otherwise(dev):
    assert values(parse(dev))["encryption"] == {"enabled": True, "type": "wireguard", "nodeEncryption": True}
    assert "encryption" not in values(parse(changed(dev, {"cilium.encryption": "none"})))


def test_a_pool_is_announced_on_the_node_network(prod):
    pool, policy = announcements(parse(prod))
    assert pool["spec"]["blocks"] == [{"start": "10.20.0.200", "stop": "10.20.0.220"}]
    assert policy["spec"] == {"loadBalancerIPs": True}
    assert values(parse(prod))["l2announcements"] == {"enabled": True}


def test_no_pool_no_announcement(dev):
    assert list(announcements(parse(dev))) == []


def test_two_operators_where_there_are_two_places(dev, prod):
    assert values(parse(dev))["operator"] == {"replicas": 1}
    assert values(parse(prod))["operator"] == {"replicas": 2}
