"""Multus, the networks that it connects VMs to, and what guests learn of them."""

import copy
import json
from typing import Any

import pytest
import yaml
from conftest import changed, run_program, stack_platform
from diskvms import with_disk

from core.facts.multus import MEMORY
from core.machineconfig.documents import documents
from core.machineconfig.node import node_settings
from core.manifests import cloud_init, multus
from core.manifests.virtual_machine import virtual_machine
from core.model import Platform, parse
from core.model.claims import guest_macs

DMZ = {"link": "lan0", "vlan": 20, "mtu": 1400, "subnet": "10.70.0.0/24", "gateway": "10.70.0.1"}
NETWORKS = {"dmz": DMZ, "lab": {"link": "lan0", "vlan": 30}}


def stack(nics: dict[str, Any], **edits: Any) -> dict[str, Any]:
    raw = with_disk(stack_platform("prod"), nics=nics)
    made: dict[str, Any] = changed(raw, {"vm_networks": copy.deepcopy(NETWORKS), **edits})
    return made


def platform(nics: dict[str, Any], **edits: Any) -> Platform:
    return parse(stack(nics, **edits))


def links(p: Platform, name: str = "db") -> dict[str, Any]:
    """The settings of each link of the guest, by network."""
    config = yaml.safe_load(cloud_init.secret(p, name)["stringData"]["networkdata"])
    assert config["version"] == 2
    assert {each["match"]["macaddress"] for each in config["ethernets"].values()} == {*guest_macs(p, name).values()}
    made: dict[str, Any] = config["ethernets"]
    return made


def test_packets_have_one_size_from_the_link_to_the_guest():
    p = platform({"dmz": {"address": "10.70.0.15"}})
    made = {each["name"]: each for each in documents(p, "wk-1") if each.get("kind") in ("VLANConfig", "BridgeConfig")}
    assert made["vm-dmz"] == {
        "apiVersion": "v1alpha1",
        "kind": "VLANConfig",
        "name": "vm-dmz",
        "vlanID": 20,
        "parent": "lan0",
        "up": True,
        "mtu": 1400,
    }
    assert (made["br-dmz"]["links"], made["br-dmz"]["mtu"], made["br-lab"]["mtu"]) == (["vm-dmz"], 1400, 1500)
    [network] = multus.networks(p)
    config = json.loads(network["spec"]["config"])
    assert (config["bridge"], config["mtu"], config["macspoofchk"]) == ("br-dmz", 1400, True)
    assert "vlan" not in config and links(p)["dmz"]["mtu"] == 1400
    # Control planes of this platform run no VMs.
    assert not [each for each in documents(p, "cp-1") if each.get("kind") in ("VLANConfig", "BridgeConfig")]


def test_a_machine_without_other_links_keeps_its_dhcp_client():
    """Any document of a link ends Talos' own DHCP on all links."""
    p = platform({"dmz": {}}, **{"network.gateway": None, "network.resolvers": []})
    assert [each["name"] for each in documents(p, "wk-1") if each.get("kind") == "DHCPv4Config"] == ["lan0"]


@pytest.mark.parametrize("pods", [True, False])
def test_the_default_route_is_on_one_link(pods):
    p = platform({"dmz": {"address": "10.70.0.15"}, "lab": {}}, **{"vms.db.pod_network": pods})
    made = links(p)
    assert ("default" in made) is pods
    assert made["dmz"].get("routes", []) == ([] if pods else [{"to": "0.0.0.0/0", "via": "10.70.0.1"}])
    assert made["dmz"]["addresses"] == ["10.70.0.15/24"]
    assert made["dmz"]["nameservers"] == {"addresses": ["10.20.0.2", "10.20.0.3"]}


def test_the_default_route_can_be_chosen():
    made = links(platform({"dmz": {"address": "10.70.0.15", "default_route": True}, "lab": {}}))
    assert made["dmz"]["routes"] == [{"to": "0.0.0.0/0", "via": "10.70.0.1"}]
    assert {name for name, each in made.items() if each.get("dhcp4-overrides") == {"use-routes": False}} == {
        "default",
        "lab",
    }


def test_a_vm_without_such_links_is_what_it_was():
    raw = with_disk(stack_platform("prod"))
    p = parse(raw)
    assert list(cloud_init.secret(p, "db")["stringData"]) == ["userdata"]
    assert virtual_machine(p, "db") == virtual_machine(parse({**raw, "vm_networks": NETWORKS}), "db")


def test_vms_of_a_partial_network_run_where_it_is():
    edits = {"classes.hv": {}, "machines.wk-1.class": "hv", "vm_networks.dmz.classes": ["hv"]}
    p = platform({"dmz": {}}, **edits)
    spec = virtual_machine(p, "db")["spec"]["template"]["spec"]
    assert spec["nodeSelector"] == {"bedplate/network-dmz": "true"} and spec["evictionStrategy"] == "None"
    shown = {name: node_settings(p, name).labels.get("bedplate/network-dmz") for name in p.workers}
    assert [name for name, value in shown.items() if value] == ["wk-1"]
    (identity,) = (each for each in documents(p, "wk-1") if "nodeLabels" in each.get("machine", {}))
    assert identity["machine"]["nodeLabels"]["bedplate/network-dmz"] == "true"


def test_multus_survives_the_start_of_a_full_machine_and_serves_no_other_namespace():
    objects = {each["kind"]: each for each in multus.multus()}
    [daemon] = objects["DaemonSet"]["spec"]["template"]["spec"]["containers"]
    assert daemon["resources"]["limits"] == {"memory": MEMORY} and MEMORY == "512Mi"
    settings = json.loads(objects["ConfigMap"]["data"]["daemon-config.json"])
    assert settings["namespaceIsolation"] is True and settings["multusMasterCNI"] == "05-cilium.conflist"
    folders = {
        each["name"]: each.get("hostPath") for each in objects["DaemonSet"]["spec"]["template"]["spec"]["volumes"]
    }
    assert folders["netns"] == {"path": "/var/run/netns"}
    verbs = {verb for rule in objects["ClusterRole"]["rules"] for verb in rule["verbs"]}
    assert "*" not in verbs and "delete" not in verbs


def test_a_vm_comes_after_its_network_and_that_after_multus():
    graph = run_program(stack({"dmz": {}})).graph
    beneath = graph.reachable("kubernetes:kubevirt.io/v1:VirtualMachine::vm-db")
    for layer in (
        "kubernetes:k8s.cni.cncf.io/v1:NetworkAttachmentDefinition::vms/dmz",
        "kubernetes:apps/v1:DaemonSet::multus",
        "kubernetes:networking.k8s.io/v1:NetworkPolicy::multus-default-deny",
    ):
        assert layer in beneath, layer


def test_networks_without_a_vm_need_no_multus():
    made = run_program({**with_disk(stack_platform("prod")), "vm_networks": NETWORKS}).engine.resources
    assert not [name for kind, name in made if "k8s.cni" in kind or "multus" in name]
