"""VMs with disks of their own in the whole program: what they wait for, and what outlives them."""

from conftest import changed, run_program
from diskvms import HTTP, with_disk

DISK = "kubernetes:cdi.kubevirt.io/v1beta1:DataVolume::vm-db/root"
VM = "kubernetes:kubevirt.io/v1:VirtualMachine::vm-db"
NAMESPACES = ("erp", "batch", "apps")
FILLED = "bedplate-native:kubernetes:VmDisk::vm-db/root"


def test_a_disk_waits_for_cdi_a_vm_for_its_disk_and_the_filled_disk_for_the_vm(prod):
    graph = run_program(with_disk(prod)).graph
    assert {"kubernetes:cdi.kubevirt.io/v1beta1:CDI::cdi"} <= graph.reachable(DISK)
    assert DISK in graph.reachable(VM)
    assert "kubernetes:kubevirt.io/v1:KubeVirt::kubevirt" not in graph.reachable(DISK)
    assert VM in graph.reachable(FILLED)


def test_a_platform_whose_vms_keep_nothing_has_neither_cdi_nor_disks(prod):
    made = run_program(prod).engine
    assert made.of("kubernetes:cdi.kubevirt.io/v1beta1:DataVolume") == {}
    assert made.of("kubernetes:cdi.kubevirt.io/v1beta1:CDI") == {}


def test_a_disk_is_protected_and_outlives_its_stack_unless_the_file_says_otherwise(prod):
    loose = {"size": "1Gi", "keep": False}
    asked = run_program(with_disk(prod, disks={"scratch": loose})).graph.requests
    kept, scratch = asked[DISK], asked[DISK.replace("/root", "/scratch")]
    assert kept.protect and kept.retainOnDelete and list(kept.ignoreChanges) == ["spec"]
    assert not scratch.protect and not scratch.retainOnDelete and scratch.deleteBeforeReplace
    assert list(scratch.replaceOnChanges) == ["spec"]
    assert list(scratch.ignoreChanges) == ["spec.storage.resources"]


def test_a_namespace_of_vms_outlives_its_last_vm_because_claims_are_deleted_with_it(prod):
    """Claims that disks refer to are no resources here, so nothing else keeps them."""
    apps = {"portal": {"image": "docker.io/library/nginx:1.29.3", "cpu": "50m", "memory": "128Mi", "namespace": "apps"}}
    ephemeral = {"ephemeral": True, "image": "quay.io/a/b:1", "cpu": 1, "memory": "1Gi", "namespace": "batch"}
    raw = with_disk(prod, disk={"claim": "imported"}, namespace="erp")
    asked = run_program(changed(raw, {"workloads": apps, "vms.batch": ephemeral})).graph.requests
    for kind in ("core/v1:Namespace::namespace-{}", "networking.k8s.io/v1:NetworkPolicy::namespace-{}-default-deny"):
        stays = {name: asked[f"kubernetes:{kind.format(name)}"].retainOnDelete for name in NAMESPACES}
        assert stays == {"erp": True, "batch": True, "apps": False}


def test_an_existing_claim_is_used_and_not_made(prod):
    ran = run_program(with_disk(prod, disk={"claim": "imported"}))
    assert ran.engine.of("kubernetes:cdi.kubevirt.io/v1beta1:DataVolume") == {}
    spec = ran.engine.of("kubernetes:kubevirt.io/v1:VirtualMachine")["vm-db"]["spec"]["template"]["spec"]
    assert spec["volumes"][0] == {"name": "root", "persistentVolumeClaim": {"claimName": "imported"}}


def test_vms_whose_names_and_disks_read_alike_have_resources_of_their_own(prod):
    one = {"cpu": 1, "memory": "1Gi", "disk": {"size": "1Gi", "from": HTTP}}
    alike = {
        "web": {**one, "disks": {"data-x": {"size": "1Gi"}}},
        "web-data": {**one, "namespace": "other", "disks": {"x": {"size": "1Gi"}}},
    }
    made = run_program(changed(with_disk(prod), {"vms": alike})).engine
    assert set(made.of("kubernetes:cdi.kubevirt.io/v1beta1:DataVolume")) == {
        *("vm-web/root", "vm-web/data-x", "vm-web-data/root", "vm-web-data/x")
    }


def test_a_service_is_registered_where_a_vm_is_exposed(prod):
    made = run_program(with_disk(prod, ports=[443], expose={"load_balancer": True})).engine
    assert made.of("kubernetes:core/v1:Service")["vm-db"]["spec"]["type"] == "LoadBalancer"
    assert made.of("kubernetes:networking.k8s.io/v1:NetworkPolicy")["vm-db-ports"]
