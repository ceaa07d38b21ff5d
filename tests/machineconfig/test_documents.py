"""The documents that Talos will read, byte for byte."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import changed, stack_platform
from hypothesis import given
from strategies import platforms

from core.facts.contracts import KINDS, replaced
from core.facts.contracts import given as sets
from core.facts.versions import minor
from core.machineconfig.documents import patches
from core.model import Platform, parse
from core.model.ports import own_ports
from tests.machineconfig.contracts import at

GOLDEN = Path(__file__).parent / "golden"
CONTRACTS = ("v1.12", "v1.13", "v1.14")
EVERYTHING = yaml.safe_load((Path(__file__).parent / "everything.yaml").read_text(encoding="utf-8"))
MACHINES = [(stack, name) for stack in ("dev", "prod") for name in parse(stack_platform(stack)).machines]
# One machine of each role with every setting, in each contract that writes some settings differently.
ROLES = [(contract, name) for contract in ("v1.12", "v1.14") for name in ("cp-1", "wk-1")]


def documents(given: dict[str, Any] | Platform, name: str) -> list[dict[str, Any]]:
    platform = given if isinstance(given, Platform) else parse(given)
    return [json.loads(p) for p in patches(platform, name)]


@pytest.mark.parametrize(("stack", "name"), MACHINES)
def test_documents_are_golden(stack, name):
    """UPDATE_GOLDEN=1 writes the golden files again; review their difference."""
    golden(f"{stack}-{name}", patches(parse(stack_platform(stack)), name))


@pytest.mark.parametrize(("contract", "name"), ROLES)
def test_documents_of_each_role_and_contract_are_golden(contract, name):
    golden(f"everything-{contract}-{name}", patches(at(contract, EVERYTHING), name))


def golden(name: str, documents_of_machine: list[str]) -> None:
    write_golden(name, yaml.safe_dump_all(map(json.loads, documents_of_machine), sort_keys=True))


def write_golden(name: str, text: str) -> None:
    """Compare a text with the golden file of that name."""
    file = GOLDEN / f"{name}.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


@given(platforms())
def test_every_document_is_plain_json_of_one_shape(raw):
    """Each is a strategic-merge document. A list would be a JSON6902 patch, which Talos refuses for typed documents."""
    platform = parse(raw)
    for name in platform.machines:
        for document in documents(platform, name):
            assert set(document) <= {"machine", "cluster"} or {"apiVersion", "kind"} <= set(document)


@given(platforms())
def test_workers_get_no_control_plane_setting(raw):
    platform = parse(raw)
    for name in platform.workers:
        for document in documents(platform, name):
            assert not {"apiServer", "etcd", "controllerManager", "scheduler"} & set(document.get("cluster", {}))
            assert document.get("kind") != "Layer2VIPConfig"


@given(platforms())
def test_every_default_of_the_generator_is_written_out(raw):
    """An upgrade of the generator must change no machine (terraform-provider-talos#394)."""
    platform = parse(raw)
    for name in platform.machines:
        text = json.dumps(documents(platform, name))
        for pinned in (
            "installer",
            "diskSelector",
            "kubelet:v",
            "kubePrism",
            "hostDNS",
            "podSubnets",
            '"proxy"',
            '"discovery"',
        ):
            assert pinned in text, pinned
        if name in platform.controlplanes:
            for pinned in ("kube-apiserver:v", "kube-controller-manager:v", "kube-scheduler:v"):
                assert pinned in text, pinned


@given(platforms())
def test_no_config_has_both_a_field_and_the_document_that_replaces_it(raw):
    """Talos refuses a config with both, and a config with a document that its contract does not have."""
    parsed = parse(raw)
    for contract in CONTRACTS:
        platform = at(contract, parsed)
        fields = replaced(minor(contract))
        for name in platform.machines:
            for document in map(json.loads, patches(platform, name)):
                if document in raw["talos"].get("patches", ()):
                    continue  # The stack file's own patch; such a file is refused (refused-talos.yaml).
                assert [path for path in fields if sets(document, path)] == []
                assert KINDS.get(document.get("kind", "LinkConfig"), (9, 9)) <= minor(contract), document["kind"]


def test_the_contract_selects_the_documents_whatever_the_talos_version(prod):
    """Talos 1.14 reads the older contract of a cluster that was upgraded to it."""
    assert parse(prod).talos.version == "v1.14.2"
    assert not any("KubeletConfig" in text for text in patches(at("v1.12", prod), "cp-1"))
    old = parse(changed(prod, {"talos.version": "v1.12.0"}))
    assert any("KubeletConfig" in text for text in patches(at("v1.14", old), "cp-1"))


def test_a_users_patch_is_merged_last(prod):
    raw = changed(
        prod,
        {
            "talos.patches": [{"machine": {"sysctls": {"a": "all"}}}],
            "machines.wk-1.patches": [{"machine": {"sysctls": {"a": "own"}}}],
        },
    )
    assert documents(raw, "wk-1")[-2:] == [
        {"machine": {"sysctls": {"a": "all"}}},
        {"machine": {"sysctls": {"a": "own"}}},
    ]


def test_no_node_takes_the_virtual_ip_as_its_address(prod):
    """Otherwise kubelet or etcd could choose it, and lose it when another control plane takes it over."""
    for name in prod["machines"]:
        subnets = [
            d["machine"]["kubelet"]["nodeIP"]["validSubnets"]
            for d in documents(prod, name)
            if "kubelet" in d.get("machine", {})
        ]
        assert subnets == [["10.20.0.0/24", "!10.20.0.10/32"]]


def test_other_hardware_at_the_same_address_gets_another_config(dev):
    """Otherwise a replaced machine would never be configured (hcloud-k8s#177)."""
    before = patches(parse(dev), "cp-1")
    assert patches(parse(changed(dev, {"machines.cp-1.mac": "52:54:00:aa:00:99"})), "cp-1") != before
    assert patches(parse(changed(dev, {"machines.cp-1.install.disk.serial": "OTHER"})), "cp-1") != before


def test_without_a_gateway_the_control_planes_link_uses_dhcp(dev):
    """Any document about a link disables Talos' default DHCP on all links."""
    kinds = [d.get("kind") for d in documents(changed(dev, {"network.gateway": None}), "cp-1")]
    assert "DHCPv4Config" in kinds and "LinkConfig" not in kinds


def test_a_single_machine_may_run_workloads_and_announce_services(dev):
    text = json.dumps(
        documents(changed(dev, {"cilium.load_balancer": {"pool": "192.168.10.200-192.168.10.210"}}), "cp-1")
    )
    assert '"allowSchedulingOnControlPlanes": true' in text
    assert '"node.kubernetes.io/exclude-from-external-load-balancers": {"$patch": "delete"}' in text


def rules(platform, name):
    return {d["name"]: d for d in map(json.loads, patches(platform, name)) if d.get("kind") == "NetworkRuleConfig"}


@given(platforms())
def test_the_firewall_opens_each_port_of_the_platform_to_the_networks_that_need_it(raw):
    platform = parse(raw)
    for name, machine in platform.machines.items():
        opened = rules(platform, name)
        if not platform.talos.firewall.enabled:
            assert opened == {}
            continue
        for port in own_ports(platform):
            needed = port.everywhere or machine.role == "controlplane"
            assert (port.name in opened) == needed
            if needed:
                sources = {i["subnet"] for i in opened[port.name]["ingress"]}
                everywhere = sources <= {"0.0.0.0/0", "::/0"}
                assert everywhere or set(map(str, platform.network.nodes)) <= sources
                assert not port.pods or everywhere or set(map(str, platform.network.pods)) <= sources


def test_only_the_two_apis_are_open_to_every_network(prod):
    """Both require a client certificate; etcd and the kubelet are open to the machines only."""
    everywhere = {
        name for name, rule in rules(parse(prod), "cp-1").items() if {"subnet": "0.0.0.0/0"} in rule["ingress"]
    }
    assert everywhere == {"apid", "kubernetes-api"}


def test_with_admins_the_apis_are_open_to_no_other_network(prod):
    opened = rules(parse(changed(prod, {"talos.firewall": {"admins": ["198.51.100.0/24"]}})), "cp-1")
    assert [i["subnet"] for i in opened["apid"]["ingress"]] == ["10.20.0.0/24", "198.51.100.0/24"]
    assert [i["subnet"] for i in opened["kubernetes-api"]["ingress"]] == [
        "10.20.0.0/24",
        "10.244.0.0/16",
        "198.51.100.0/24",
    ]


def test_a_machine_that_joins_changes_no_other_machines_config(prod):
    """Its address is in the node network, and no rule or list names machines one by one."""
    grown = changed(
        prod,
        {
            "machines.wk-9": {
                "role": "worker",
                "address": "10.20.0.99",
                "mac": "0c:c4:7a:00:02:99",
                "install": {"disk": {"serial": "X9"}},
            }
        },
    )
    for name in prod["machines"]:
        assert patches(parse(grown), name) == patches(parse(prod), name)


def test_a_machines_own_settings_override_those_of_all_machines(dev):
    raw = changed(
        dev,
        {
            "talos.sysctls": {"vm.nr_hugepages": "1", "net.core.somaxconn": "2"},
            "machines.cp-1.sysctls": {"vm.nr_hugepages": "3"},
        },
    )
    assert [d["machine"]["sysctls"] for d in documents(raw, "cp-1") if "sysctls" in d.get("machine", {})] == [
        {"vm.nr_hugepages": "3", "net.core.somaxconn": "2"}
    ]


def test_an_install_disk_has_the_expression_that_talos_would_build():
    """Talos builds the same expression from machine.install.diskSelector (v1.12, DiskMatchExpression)."""
    (match,) = [
        d["provisioning"]["diskSelector"]["match"]
        for d in map(json.loads, patches(at("v1.14", EVERYTHING), "wk-1"))
        if d.get("kind") == "UnattendedInstallConfig"
    ]
    assert (
        match
        == 'disk.transport != "" && glob("MZ7L3480*", disk.model) && disk.size <= 480000000000u && !disk.rotational'
    )


def test_the_audit_log_records_requests_but_no_secret():
    """In a log, the contents of a secret would remain after the secret is deleted."""
    (policy,) = [
        d["cluster"]["apiServer"]["auditPolicy"]
        for d in documents(EVERYTHING, "cp-1")
        if "auditPolicy" in d.get("cluster", {}).get("apiServer", {})
    ]
    assert policy["rules"][-1] == {"level": "Metadata"}
    bodies = [r for r in policy["rules"] if r["level"] in ("Request", "RequestResponse")]
    logged = {(of["group"], what) for r in bodies for of in r["resources"] for what in of.get("resources", ["*"])}
    assert not {("", "secrets"), ("", "configmaps"), ("", "serviceaccounts/token"), ("", "*")} & logged
    first = next(
        n
        for n, r in enumerate(policy["rules"])
        if {"secrets"} <= {x for of in r.get("resources", ()) for x in of.get("resources", ())}
    )
    assert first < policy["rules"].index(bodies[0])
