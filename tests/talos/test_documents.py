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

from components.platform import parse
from components.talos.documents import patches

GOLDEN = Path(__file__).parent / "golden"
MACHINES = [(stack, name) for stack in ("dev", "prod") for name in parse(stack_platform(stack)).machines]


def documents(raw: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [json.loads(p) for p in patches(parse(raw), name)]


@pytest.mark.parametrize(("stack", "name"), MACHINES)
def test_documents_are_golden(stack, name):
    """UPDATE_GOLDEN=1 writes them again; read the difference as a reviewer would."""
    text = yaml.safe_dump_all(documents(stack_platform(stack), name), sort_keys=True)
    golden = GOLDEN / f"{stack}-{name}.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


@given(platforms())
def test_every_document_is_plain_json_of_one_shape(raw):
    """A strategic-merge document each; a list would be a JSON6902 patch, which such configs refuse."""
    for name in raw["machines"]:
        for document in documents(raw, name):
            assert set(document) <= {"machine", "cluster"} or {"apiVersion", "kind"} <= set(document)


@given(platforms())
def test_workers_get_nothing_of_the_control_plane(raw):
    platform = parse(raw)
    for name in platform.workers:
        for document in documents(raw, name):
            assert not {"apiServer", "etcd", "controllerManager", "scheduler"} & set(document.get("cluster", {}))
            assert document.get("kind") != "Layer2VIPConfig"


@given(platforms())
def test_what_its_generator_would_default_is_written_out(raw):
    """An upgrade of the generator must change no machine (terraform-provider-talos#394)."""
    platform = parse(raw)
    for name in platform.machines:
        text = json.dumps(documents(raw, name))
        for pinned in ("installer", "diskSelector", "kubelet:v", "kubePrism", "hostDNS", "podSubnets", '"proxy"', '"discovery"'):
            assert pinned in text, pinned
        if name in platform.controlplanes:
            for pinned in ("kube-apiserver:v", "kube-controller-manager:v", "kube-scheduler:v"):
                assert pinned in text, pinned


@given(platforms())
def test_a_document_kind_never_meets_its_legacy_field(raw):
    """Talos refuses a config that holds both."""
    for name in raw["machines"]:
        for document in documents(raw, name):
            machine = document.get("machine", {})
            assert not {"network", "registries", "time", "systemDiskEncryption", "disks"} & set(machine)
            assert "stableHostname" not in machine.get("features", {})


def test_a_users_patch_is_merged_last(prod):
    raw = changed(prod, {"talos.patches": [{"machine": {"sysctls": {"a": "all"}}}], "machines.wk-1.patches": [{"machine": {"sysctls": {"a": "own"}}}]})
    assert documents(raw, "wk-1")[-2:] == [{"machine": {"sysctls": {"a": "all"}}}, {"machine": {"sysctls": {"a": "own"}}}]


def test_the_virtual_ip_is_no_nodes_address(prod):
    """Else kubelet or etcd could choose it, and lose it with the next election."""
    for name in prod["machines"]:
        subnets = [d["machine"]["kubelet"]["nodeIP"]["validSubnets"] for d in documents(prod, name) if "kubelet" in d.get("machine", {})]
        assert subnets == [["10.20.0.0/24", "!10.20.0.10/32"]]


def test_other_hardware_at_the_same_address_gets_another_config(dev):
    """Or a replaced machine would never be configured (hcloud-k8s#177)."""
    before = patches(parse(dev), "cp-1")
    assert patches(parse(changed(dev, {"machines.cp-1.mac": "52:54:00:aa:00:99"})), "cp-1") != before
    assert patches(parse(changed(dev, {"machines.cp-1.install.disk.serial": "OTHER"})), "cp-1") != before


def test_without_a_gateway_the_control_planes_link_asks_dhcp(dev):
    """Any document of a link ends Talos' DHCP on all links."""
    kinds = [d.get("kind") for d in documents(changed(dev, {"network.gateway": None}), "cp-1")]
    assert "DHCPv4Config" in kinds and "LinkConfig" not in kinds


def test_a_single_machine_may_run_workloads_and_announce_services(dev):
    text = json.dumps(documents(changed(dev, {"cilium.load_balancer": {"pool": "192.168.10.200-192.168.10.210"}}), "cp-1"))
    assert '"allowSchedulingOnControlPlanes": true' in text
    assert '"node.kubernetes.io/exclude-from-external-load-balancers": {"$patch": "delete"}' in text
