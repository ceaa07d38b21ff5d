"""Volumes on the machines' own disks."""

import json

import pytest
import yaml
from conftest import changed, run_program, stack_platform

from core.facts.storage import HELPER_IMAGE
from core.machineconfig.documents import documents
from core.manifests import local_path
from core.model import Platform, parse
from tests.diskvms import EPHEMERAL

LOCAL = {"storage": {"local": {}}}


def platform(stack: str = "dev", **edits: object) -> Platform:
    return parse(changed(stack_platform(stack), {**LOCAL, **edits}))


def by_kind(p: Platform) -> dict[str, dict]:
    return {each["kind"]: each for each in local_path.provisioner(p)}


def test_a_disk_outlives_its_claim_and_scratch_space_does_not():
    """A claim that is deleted by mistake would take the only copy of a disk with it."""
    disks, scratch = local_path.classes(platform())
    assert [(each["metadata"]["name"], each["reclaimPolicy"]) for each in (disks, scratch)] == [
        ("local", "Retain"),
        ("local-scratch", "Delete"),
    ]
    assert {each["volumeBindingMode"] for each in (disks, scratch)} == {"WaitForFirstConsumer"}


@pytest.mark.parametrize(
    ("storage", "cluster", "vms"),
    [
        ({"local": {}}, "true", "true"),
        ({"local": {"default": False}}, "false", "true"),
        ({"local": {}, "classes": {"ceph": {"provisioner": "rbd.csi.ceph.com"}}, "default": "ceph"}, "true", "false"),
    ],
)
def test_the_default_class_of_the_cluster_and_of_vms(storage, cluster, vms):
    disks, scratch = local_path.classes(platform(storage=storage))
    assert disks["metadata"]["annotations"] == {
        "storageclass.kubernetes.io/is-default-class": cluster,
        "storageclass.kubevirt.io/is-default-virt-class": vms,
    }
    assert set(scratch["metadata"]["annotations"].values()) == {"false"}


def test_volumes_are_below_the_folder_that_talos_mounts():
    [paths] = json.loads(by_kind(platform())["ConfigMap"]["data"]["config.json"])["nodePathMap"]
    assert paths == {"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": ["/var/mnt/local"]}
    assert local_path.folder(platform(storage={"local": {"volume": "disks"}})) == "/var/mnt/disks"


def test_the_pod_that_makes_a_folder_has_little_of_its_machine():
    data = by_kind(platform())["ConfigMap"]["data"]
    spec = yaml.safe_load(data["helperPod.yaml"])["spec"]
    [container] = spec["containers"]
    # The provisioner reads the log of the container with this name.
    assert (container["name"], container["image"]) == ("helper-pod", HELPER_IMAGE)
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"], "add": ["DAC_OVERRIDE"]}
    assert container["resources"]["limits"]["memory"] and spec["automountServiceAccountToken"] is False
    assert 'mkdir -m 0777 -p "$VOL_DIR"' in data["setup"] and 'rm -rf "$VOL_DIR"' in data["teardown"]


def test_the_provisioner_may_do_what_it_calls_and_no_more():
    kinds = by_kind(platform())
    granted = {
        (group, kind): rule["verbs"]
        for role in ("ClusterRole", "Role")
        for rule in kinds[role]["rules"]
        for group in rule["apiGroups"]
        for kind in rule["resources"]
    }
    assert granted[("", "pods")] == ["get", "create", "delete"] and ("", "configmaps") not in granted
    assert not any("*" in verbs or "update" in verbs for verbs in granted.values())
    assert kinds["Role"]["metadata"]["namespace"] == local_path.NAMESPACE
    spec = kinds["Deployment"]["spec"]
    assert (spec["replicas"], spec["strategy"]["type"]) == (1, "Recreate")


def volume_documents(p: Platform, machine: str) -> list[dict]:
    return [dict(each) for each in documents(p, machine) if each.get("kind") == "UserVolumeConfig"]


@pytest.mark.parametrize("contract", ["v1.12", "v1.13", "v1.14"])
def test_a_machine_without_the_volume_gets_a_folder_of_talos_own_disk(contract):
    [folder] = volume_documents(platform(**{"talos.contract": contract}), "cp-1")
    assert folder == {
        "apiVersion": "v1alpha1",
        "kind": "UserVolumeConfig",
        "name": "local",
        "volumeType": "directory",
    }


def test_a_volume_of_a_machines_own_disk_takes_its_place():
    volume = {"local": {"disk": {"serial": "S9"}}}
    p = platform("prod", **{"machines.wk-1.volumes": volume})
    [own] = volume_documents(p, "wk-1")
    assert "provisioning" in own and "volumeType" not in own
    assert [each["volumeType"] for each in volume_documents(p, "wk-2")] == ["directory"]
    # Control planes of this platform run no pods with disks.
    assert volume_documents(p, "cp-1") == []


def test_classes_come_after_the_provisioner_and_it_after_its_closed_namespace():
    graph = run_program(changed(stack_platform("dev"), LOCAL)).graph
    beneath = graph.reachable("kubernetes:storage.k8s.io/v1:StorageClass::local")
    for layer in (
        "kubernetes:apps/v1:Deployment::local-path-provisioner",
        "kubernetes:core/v1:ConfigMap::local-path-provisioner",
        "kubernetes:networking.k8s.io/v1:NetworkPolicy::local-path-storage-default-deny",
        "bedplate-native:kubernetes:NodeReady::cilium-cp-1",
    ):
        assert layer in beneath, layer


def test_without_storage_a_platform_registers_nothing_of_it(dev):
    named = {f"{kind}::{name}" for kind, name in run_program(changed(dev, EPHEMERAL)).engine.resources}
    assert not [each for each in named if "storage" in each or "cdi" in each]
