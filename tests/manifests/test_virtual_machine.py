"""A VM as Kubernetes gets it."""

import json

import yaml
from conftest import changed
from hypothesis import given
from strategies import platforms

from core.manifests import virtual_machine as machine
from core.manifests.kubevirt import kubevirt, operator
from core.model import parse


def vm_of(raw, name="web"):
    return parse(raw).vms[name]


def test_the_link_is_masqueraded_and_said_so(dev):
    """KubeVirt would add a bridge on the pod network, which blocks migration."""
    domain = machine.virtual_machine("web", vm_of(dev), True)["spec"]["template"]["spec"]["domain"]
    assert domain["devices"]["interfaces"] == [{"name": "default", "masquerade": {}, "model": "virtio"}]


@given(platforms())
def test_every_disk_has_its_volume_and_every_link_its_network(raw):
    """KubeVirt's webhook refuses anything else, on the cluster, late."""
    for name, vm in parse(raw).vms.items():
        spec = machine.virtual_machine(name, vm, True)["spec"]["template"]["spec"]
        devices = spec["domain"]["devices"]
        assert [d["name"] for d in devices["disks"]] == [v["name"] for v in spec["volumes"]]
        assert [i["name"] for i in devices["interfaces"]] == [n["name"] for n in spec["networks"]]


def test_cloud_init_never_stands_in_the_vm(dev):
    """It may hold passwords, and KubeVirt takes 2 KiB at most inline."""
    raw = changed(dev, {"vms.web.cloud_init": {"password": "hunter2"}})
    assert "hunter2" not in json.dumps(machine.virtual_machine("web", vm_of(raw), True))
    assert "hunter2" in machine.secret("web", vm_of(raw))["stringData"]["userdata"]


def test_cloud_config_is_what_cloud_init_reads(prod):
    header, body = machine.cloud_config(vm_of(prod, "erp")).split("\n", 1)
    assert header == "#cloud-config"
    assert yaml.safe_load(body) == {"ssh_authorized_keys": prod["vms"]["erp"]["ssh_keys"]}


def test_a_vm_can_be_stopped_by_the_stack_file(dev):
    assert (
        machine.virtual_machine("web", vm_of(changed(dev, {"vms.web.running": False})), True)["spec"]["runStrategy"]
        == "Halted"
    )


def test_the_operator_is_whole_and_its_namespace_first():
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


def test_vms_move_where_they_can_and_do_not_block_a_drain_where_they_can_not(dev, prod):
    assert kubevirt(parse(dev))["spec"]["configuration"]["evictionStrategy"] == "None"
    assert kubevirt(parse(prod))["spec"]["configuration"]["evictionStrategy"] == "LiveMigrate"


def test_a_registry_of_ones_own_is_named_with_the_tag(prod):
    """Without the tag, KubeVirt takes its own, and a mirror has it under another."""
    spec = kubevirt(parse(changed(prod, {"kubevirt.registry": "mirror.example.com/kubevirt"})))["spec"]
    assert (spec["imageRegistry"], spec["imageTag"]) == ("mirror.example.com/kubevirt", "v1.8.4")
