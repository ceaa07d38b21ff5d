"""Unusual networks as documents: IPv6, both IP versions, a node network per rack; Talos' own code accepts each."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import changed

from core.machineconfig.documents import patches
from core.model import Platform, parse
from tests.machineconfig.contracts import at
from tests.machineconfig.judge import Judge
from tests.model.test_right import CASES, right

GOLDEN = Path(__file__).parent / "golden"
BY_NAME = {case["name"]: case for case in CASES}
KEPT = {
    "ipv6": ("IPv6 only, with a pool and a resolver", ("cp-1",)),
    "dual-stack": ("IPv4 and IPv6, with a pool of each", ("cp-1", "wk-1")),
    "racks": ("a node network per rack, announced in the workers' racks", ("cp-1", "wk-1")),
}


def documents(platform: Platform, name: str) -> list[dict[str, Any]]:
    return [json.loads(patch) for patch in patches(platform, name)]


def of(platform: Platform, name: str, kind: str) -> dict[str, dict[str, Any]]:
    """The documents of a kind by their name."""
    return {document["name"]: document for document in documents(platform, name) if document.get("kind") == kind}


def merged(platform: Platform, name: str, *path: str) -> list[Any]:
    """What the large document's parts have at a path."""
    found: list[Any] = documents(platform, name)
    for key in path:
        found = [each[key] for each in found if isinstance(each, dict) and key in each]
    return found


@pytest.mark.parametrize(
    ("network", "contract", "name"),
    [(network, contract, name) for network in KEPT for contract in ("v1.12", "v1.14") for name in KEPT[network][1]],
)
def test_documents_of_unusual_networks_are_golden(network, contract, name):
    """UPDATE_GOLDEN=1 writes the golden files again; review their difference."""
    made = documents(at(contract, right(BY_NAME[KEPT[network][0]])), name)
    text = yaml.safe_dump_all(made, sort_keys=True)
    file = GOLDEN / f"{network}-{contract}-{name}.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


@pytest.fixture(
    scope="module", params=[("config-judge-v112", ("v1.12",)), ("config-judge", ("v1.12", "v1.13", "v1.14"))]
)
def judge(request) -> Iterator[tuple[Judge, tuple[str, ...]]]:
    judge = Judge(request.param[0])
    yield judge, request.param[1]
    judge.end()


@pytest.mark.engine
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_talos_accepts_every_machine_of_an_unusual_network(judge, case):
    process, contracts = judge
    platform = right(case)
    for contract in contracts:
        for name in platform.machines:
            assert process.faults(at(contract, platform), name) == [], (contract, name)


def test_only_a_virtual_ip_has_a_document(prod):
    """What else leads to the API is no address of a machine."""
    for edit, announced in (
        ({}, ["10.20.0.10"]),
        ({"network.endpoint": "k8s.prod.example.com", "network.vip": "10.20.0.10"}, ["10.20.0.10"]),
        ({"network.endpoint": "k8s.prod.example.com"}, []),
        ({"network.endpoint": "192.168.99.5"}, []),
        ({"network.vip": "none"}, []),
    ):
        platform = parse(changed(prod, edit))
        assert list(of(platform, "cp-1", "Layer2VIPConfig")) == announced
        assert of(platform, "wk-1", "Layer2VIPConfig") == {}


@pytest.mark.parametrize(
    ("edit", "api", "names"),
    [
        ({}, "https://10.20.0.10:6443", ["10.20.0.10", "127.0.0.1"]),
        (
            {"network.endpoint": "k8s.prod.example.com:443", "network.vip": "10.20.0.10"},
            "https://k8s.prod.example.com:443",
            ["k8s.prod.example.com", "10.20.0.10", "127.0.0.1"],
        ),
        ({"network.endpoint": "192.168.99.5:8443"}, "https://192.168.99.5:8443", ["192.168.99.5", "127.0.0.1"]),
        ({"network.endpoint": "[FD00:99::5]"}, "https://[fd00:99::5]:6443", ["fd00:99::5", "127.0.0.1"]),
    ],
)
def test_the_endpoint_is_in_the_clusters_address_and_in_the_apis_certificate(prod, edit, api, names):
    platform = parse(changed(prod, edit))
    assert platform.api == api
    assert merged(platform, "cp-1", "cluster", "controlPlane", "endpoint") == [api]
    assert merged(platform, "cp-1", "cluster", "apiServer", "certSANs") == [names]


def test_a_node_is_known_by_its_own_addresses_and_a_member_of_etcd_by_one():
    """Without the virtual IP, and without the addresses of an IP version that the cluster does not have."""
    dual = right(BY_NAME["IPv4 and IPv6"])
    vip = "!10.20.0.10/32"
    nodes = merged(dual, "cp-1", "machine", "kubelet", "nodeIP", "validSubnets")
    assert nodes == [["10.20.0.0/24", "fd00:20::/64", vip]]
    assert merged(dual, "cp-1", "cluster", "etcd", "advertisedSubnets") == [["10.20.0.0/24", vip]]
    single = right(BY_NAME["machines of IPv4 and IPv6 that run a cluster of IPv4"])
    assert merged(single, "cp-1", "machine", "kubelet", "nodeIP", "validSubnets") == [["10.20.0.0/24", vip]]
    outside = right(BY_NAME["a load balancer outside the node network"])
    assert merged(outside, "cp-1", "cluster", "etcd", "advertisedSubnets") == [["10.20.0.0/24"]]
    only = right(BY_NAME["IPv6 only, with a link-local gateway"])
    assert merged(only, "cp-1", "cluster", "etcd", "advertisedSubnets") == [["fd00:10::/64", "!fd00:10::5/128"]]


def test_each_machine_has_the_gateway_of_its_own_network():
    racks = right(BY_NAME["a node network per rack"])
    for name, address, gateway in (("cp-1", "10.20.0.11/24", "10.20.0.1"), ("wk-2", "10.20.2.21/24", "10.20.2.1")):
        link = of(racks, name, "LinkConfig")["lan0"]
        assert (link["addresses"], link["routes"]) == ([{"address": address}], [{"gateway": gateway}])
    dual = of(right(BY_NAME["IPv4 and IPv6"]), "wk-1", "LinkConfig")["lan0"]
    assert dual["addresses"] == [{"address": "10.20.0.21/24"}, {"address": "fd00:20::21/64"}]
    assert dual["routes"] == [{"gateway": "10.20.0.1"}, {"gateway": "fd00:20::1"}]


def test_the_firewall_opens_the_platforms_ports_to_every_rack():
    racks = right(BY_NAME["a node network per rack"])
    etcd = of(racks, "cp-1", "NetworkRuleConfig")["etcd"]
    assert [each["subnet"] for each in etcd["ingress"]] == ["10.20.0.0/24", "10.20.1.0/24", "10.20.2.0/24"]
    assert "0.0.0.0/0" not in json.dumps(etcd)


def test_a_machine_behind_another_router_is_a_network_of_its_own():
    """The others open their ports to it, and its node has its address."""
    away = right(BY_NAME["a worker behind another router, whose address the site reserves"])
    etcd = of(away, "cp-1", "NetworkRuleConfig")["etcd"]
    assert [each["subnet"] for each in etcd["ingress"]] == ["10.20.0.0/24", "192.168.20.21/32"]
    nodes = merged(away, "wk-2", "machine", "kubelet", "nodeIP", "validSubnets")
    assert nodes == [["10.20.0.0/24", "192.168.20.21/32", "!10.20.0.10/32"]]


def test_dhcp_of_ipv6_has_a_client_and_an_opening_for_its_answers():
    """Talos' own DHCP is of IPv4, and the answers come from an address that no rule of connections knows."""
    both = right(BY_NAME["IPv4 and IPv6, all addresses by DHCP"])
    assert list(of(both, "wk-1", "DHCPv4Config")) == list(of(both, "wk-1", "DHCPv6Config")) == ["lan0"]
    rule = of(both, "wk-1", "NetworkRuleConfig")["dhcpv6-client"]
    assert rule["ingress"] == [{"subnet": "fe80::/10"}] and rule["portSelector"] == {"ports": [546], "protocol": "udp"}
    only = right(BY_NAME["IPv6 only, addresses by DHCP, an endpoint in brackets"])
    assert of(only, "cp-1", "DHCPv4Config") == {} and list(of(only, "cp-1", "DHCPv6Config")) == ["lan0"]
    mixed = right(BY_NAME["IPv4 addresses by DHCP beside static ones of IPv6"])
    assert list(of(mixed, "wk-1", "DHCPv4Config")) == ["lan0"] and of(mixed, "wk-1", "DHCPv6Config") == {}
    assert of(mixed, "wk-1", "LinkConfig")["lan0"]["addresses"] == [{"address": "fd00:20::21/64"}]
    static = right(BY_NAME["IPv4 and IPv6"])
    assert of(static, "wk-1", "DHCPv6Config") == {} and "dhcpv6-client" not in of(static, "wk-1", "NetworkRuleConfig")


def test_a_further_link_with_dhcp_leaves_the_default_route_alone():
    machine = right(BY_NAME["a second link with DHCP"])
    assert of(machine, "wk-1", "DHCPv4Config")["mgmt0"]["routeMetric"] > 1024
    assert of(machine, "wk-1", "LinkConfig")["mgmt0"]["up"] is True


def test_a_link_is_found_by_all_that_is_known_of_it(prod):
    links = {"a0": {"bus_path": "0000:65:00.0"}, "b0": {"driver": "ixgbe", "mac": "0c:c4:7a:00:09:01"}, "eth7": {}}
    aliases = of(parse(changed(prod, {"machines.wk-1.nics": {"links": links}})), "wk-1", "LinkAliasConfig")
    assert {name: alias["selector"]["match"] for name, alias in aliases.items()} == {
        "lan0": 'mac(link.permanent_addr) == "0c:c4:7a:00:02:01"',
        "a0": 'link.bus_path == "0000:65:00.0"',
        "b0": 'mac(link.permanent_addr) == "0c:c4:7a:00:09:01" && link.driver == "ixgbe"',
    }


def test_a_route_on_the_link_has_no_gateway():
    routes = of(right(BY_NAME["a route to hosts on the link, and over one of them"]), "wk-1", "LinkConfig")["store0"]
    assert routes["routes"] == [
        {"destination": "10.31.0.0/24"},
        {"destination": "10.50.0.0/16", "gateway": "10.31.0.1"},
    ]


def test_a_bond_says_how_often_lacp_packets_come():
    bond = of(right(BY_NAME["a bond that speaks LACP every second"]), "wk-1", "BondConfig")["bond0"]
    assert bond["lacpRate"] == "fast"
