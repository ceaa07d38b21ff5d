"""What Cilium needs on Talos."""

import pytest
from conftest import changed

from core.manifests.cilium import announcements, values
from core.model import parse
from tests.model.test_right import CASES, right

UNUSUAL = {case["name"]: right(case) for case in CASES}


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
    assert values(parse(dev))["operator"]["replicas"] == 1
    assert values(parse(prod))["operator"]["replicas"] == 2


def test_agents_and_operator_restart_with_their_settings(dev):
    """They read them when they start, so a change that closes node ports would otherwise close nothing."""
    assert values(parse(dev))["rollOutCiliumPods"] is True and values(parse(dev))["operator"]["rollOutPods"] is True


@pytest.mark.parametrize(
    ("network", "wanted"),
    [
        ("DHCP everywhere", {}),
        ("IPv4 and IPv6", {"ipv6": {"enabled": True}}),
        (
            "IPv6 only, with a pool and a resolver",
            # Nodes have no IPv4 address that a tunnel could lead to.
            {"ipv6": {"enabled": True}, "ipv4": {"enabled": False}, "underlayProtocol": "ipv6"},
        ),
    ],
)
def test_cilium_has_the_ip_versions_of_the_pods(network, wanted):
    chart = values(UNUSUAL[network])
    assert {key: chart[key] for key in ("ipv4", "ipv6", "underlayProtocol") if key in chart} == wanted


def test_the_packets_of_pods_have_the_size_of_the_stack_file(dev):
    """Guests take the size of the pod's link; with a tunnel's they lose their larger packets (cilium#38828)."""
    assert values(UNUSUAL["packets of pods that fit a tunnel"])["MTU"] == 1370
    assert "MTU" not in values(parse(dev))


def test_a_pool_of_a_rack_is_announced_by_the_machines_of_that_rack():
    """In another network nobody asks for its addresses."""
    pool, policy = announcements(UNUSUAL["a node network per rack, announced in the workers' racks"])
    assert [block["start"] for block in pool["spec"]["blocks"]] == ["10.20.1.200", "10.20.2.200"]
    (selected,) = policy["spec"]["nodeSelector"]["matchExpressions"]
    assert (selected["key"], selected["values"]) == ("kubernetes.io/hostname", ["wk-1", "wk-2"])


def test_a_pool_of_both_ip_versions_is_announced_by_every_machine():
    pool, policy = announcements(UNUSUAL["IPv4 and IPv6, with a pool of each"])
    assert [block["stop"] for block in pool["spec"]["blocks"]] == ["10.20.0.220", "fd00:20::220"]
    assert "nodeSelector" not in policy["spec"]


@pytest.mark.parametrize(
    ("node_ports", "addresses"),
    [([], ["127.0.0.0/8", "::1/128"]), (["10.20.0.0/24"], ["10.20.0.0/24"]), (["10.20.0.0/24", "10.0.0.0/8"],) * 2],
)
def test_node_ports_are_open_in_the_networks_that_are_listed_and_nowhere_else(prod, node_ports, addresses):
    """Cilium handles their packets before the firewall of Talos, so that the firewall can't close them."""
    assert values(parse(changed(prod, {"cilium.node_ports": node_ports})))["nodePort"] == {"addresses": addresses}
