"""A VM as a Kubernetes object."""

import json

import pytest
import yaml
from conftest import changed
from hypothesis import given
from strategies import platforms

from core.manifests import cloud_init
from core.manifests import virtual_machine as machine
from core.manifests.kubevirt import kubevirt, operator
from core.model import parse
from tests.diskvms import EPHEMERAL


def vm_of(raw, name="web"):
    return parse(raw).vms[name]


@pytest.mark.parametrize(("edits", "own"), [({}, ["macAddress"]), (EPHEMERAL, [])], ids=["a disk", "ephemeral"])
def test_the_link_is_explicitly_masqueraded(dev, edits, own):
    """KubeVirt would add a bridge on the pod network, which blocks migration."""
    domain = machine.virtual_machine(parse(changed(dev, edits)), "web")["spec"]["template"]["spec"]["domain"]
    (link,) = domain["devices"]["interfaces"]
    assert [key for key in link if key not in ("name", "masquerade", "model")] == own
    assert (link["name"], link["masquerade"], link["model"]) == ("default", {}, "virtio")


@given(platforms())
def test_every_disk_has_its_volume_and_every_link_its_network(raw):
    """Otherwise KubeVirt's webhook refuses the VM, but only during `up`."""
    platform = parse(raw)
    for name in platform.vms:
        spec = machine.virtual_machine(platform, name)["spec"]["template"]["spec"]
        devices = spec["domain"]["devices"]
        assert [d["name"] for d in devices["disks"]] == [v["name"] for v in spec["volumes"]]
        assert [i["name"] for i in devices["interfaces"]] == [n["name"] for n in spec["networks"]]


def test_cloud_init_is_never_part_of_the_vm_object(dev):
    """It may hold passwords, and KubeVirt takes 2 KiB at most inline."""
    stand_in = "(secret 0123456789ab)"
    raw = changed(dev, {"vms.web.cloud_init": {"password": stand_in, "runcmd": ["id"]}})
    assert "runcmd" not in json.dumps(machine.virtual_machine(parse(raw), "web"))
    made = cloud_init.secret(parse(raw), "web", {stand_in: "hunter2\n"})["stringData"]["userdata"]
    assert yaml.safe_load(made)["password"] == "hunter2\n" and stand_in not in made


def test_cloud_config_is_what_cloud_init_reads(prod):
    header, body = cloud_init.cloud_config(vm_of(prod, "erp")).split("\n", 1)
    assert header == "#cloud-config"
    assert yaml.safe_load(body) == {"ssh_authorized_keys": prod["vms"]["erp"]["ssh_keys"]}


def test_a_vm_can_be_stopped_by_the_stack_file(dev):
    stopped = parse(changed(dev, {"vms.web.running": False}))
    assert machine.virtual_machine(stopped, "web")["spec"]["runStrategy"] == "Halted"


def test_the_operators_manifest_is_complete_and_its_namespace_comes_first():
    """CRD, roles, bindings, account and Deployment, as the release has them."""
    objects = operator("v1.8.4")
    assert [o["kind"] for o in objects[:1]] == ["Namespace"]
    assert {o["kind"] for o in objects} == {
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "Deployment",
        "Namespace",
        "PriorityClass",
        "Role",
        "RoleBinding",
        "ServiceAccount",
    }
    assert len({(o["kind"], o["metadata"]["name"]) for o in objects}) == len(objects)
    images = json.dumps([o for o in objects if o["kind"] == "Deployment"])
    assert "quay.io/kubevirt/virt-operator:v1.8.4" in images


def test_post_copy_migration_stays_off(prod):
    """It needs unprivileged userfaultfd, which Talos' kernel settings forbid."""
    assert kubevirt(parse(prod))["spec"]["configuration"]["migrations"] == {"allowPostCopy": False}


def test_vms_migrate_where_possible_and_otherwise_do_not_block_a_drain(dev, prod):
    assert kubevirt(parse(dev))["spec"]["configuration"]["evictionStrategy"] == "None"
    assert kubevirt(parse(prod))["spec"]["configuration"]["evictionStrategy"] == "LiveMigrate"


def test_kubevirt_is_updated_by_migration_where_vms_can_migrate_and_else_by_nothing(dev, prod):
    """virt-operator writes the object without an empty list, which would then be a change in each plan."""
    assert kubevirt(parse(prod))["spec"]["workloadUpdateStrategy"] == {"workloadUpdateMethods": ["LiveMigrate"]}
    assert "workloadUpdateStrategy" not in kubevirt(parse(dev))["spec"]


def test_another_registry_is_named_together_with_the_tag(prod):
    """Without a tag, KubeVirt uses its default tag, which a mirror does not have."""
    spec = kubevirt(parse(changed(prod, {"kubevirt.registry": "mirror.example.com/kubevirt"})))["spec"]
    assert (spec["imageRegistry"], spec["imageTag"]) == ("mirror.example.com/kubevirt", "v1.8.4")
