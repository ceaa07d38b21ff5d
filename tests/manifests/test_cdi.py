"""CDI: its operator, its object, and profiles of classes that it doesn't know."""

import json
from typing import Any

import pytest
from conftest import changed, run_program, stack_platform
from hypothesis import given
from strategies import platforms

from core.facts.storage import HELPER_IMAGE, IMAGE
from core.facts.storage_capabilities import capabilities
from core.facts.versions import CURRENT, cdi_manifest
from core.manifests import cdi as manifests
from core.manifests import operators
from core.model import Platform, parse
from core.model.storage import CdiSpec
from policy.rules.pods import pinned

VOLUMES: dict[str, Any] = {"storage": {"local": {}}, "cdi": {}}
CDI = "kubernetes:cdi.kubevirt.io/v1beta1:CDI::cdi"


def platform(stack: str = "dev", **edits: Any) -> Platform:
    return parse(changed(stack_platform(stack), {**VOLUMES, **edits}))


def test_the_operators_manifest_is_that_of_its_release():
    objects = manifests.operator(CdiSpec())
    kinds = [each["kind"] for each in objects]
    assert kinds[:2] == ["Namespace", "CustomResourceDefinition"] and kinds.count("Deployment") == 1
    assert objects[0]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    names = [(each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]) for each in objects]
    assert len(set(names)) == len(names)
    assert {namespace for _, namespace, _ in names if namespace} == {"cdi"}
    [container] = objects[-1]["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"quay.io/kubevirt/cdi-operator:{CURRENT['cdi']}"


def test_the_definition_has_no_version_that_the_operator_removes():
    """Otherwise a refresh would find it edited, and an `up` put the version back, each time."""
    released = next(each for each in operators.objects(cdi_manifest(CURRENT["cdi"])) if "versions" in each["spec"])
    assert [each["name"] for each in released["spec"]["versions"]] == ["v1alpha1", "v1beta1"]
    made = [each for each in manifests.operator(CdiSpec()) if each["kind"] == "CustomResourceDefinition"]
    assert [[each["name"] for each in one["spec"]["versions"]] for one in made] == [["v1beta1"]]
    assert made[0]["spec"]["versions"][0] == released["spec"]["versions"][1]


def test_every_image_comes_from_the_registry_of_the_stack_file():
    """The operator starts all others by names in its environment."""
    text = json.dumps(manifests.operator(CdiSpec(registry="registry.example.com/mirror")))
    assert "quay.io" not in text
    assert text.count("registry.example.com/mirror/cdi-") == json.dumps(manifests.operator(CdiSpec())).count("quay.io/")
    # The objects of the manifest are shared, so a change must be of a copy.
    assert "quay.io/kubevirt/cdi-importer" in json.dumps(operators.objects("cdi-operator-v1.65.0.yaml"))


@pytest.mark.parametrize(("stack", "replicas"), [("dev", 1), ("prod", 2)])
def test_cdi_keeps_disks_and_waits_for_the_vm_that_uses_one(stack, replicas):
    spec = manifests.cdi(platform(stack))["spec"]
    assert spec["uninstallStrategy"] == "BlockUninstallIfWorkloadsExist"
    assert spec["config"]["featureGates"] == ["HonorWaitForFirstConsumer"]
    assert spec["config"]["scratchSpaceStorageClass"] == "local-scratch"
    assert spec["config"]["podResourceRequirements"]["limits"]["memory"] == "2Gi"
    assert {spec["infra"][key] for key in spec["infra"] if key.endswith("Replicas")} == {replicas}


def test_every_field_of_the_cdi_object_is_one_of_its_definition():
    """Kubernetes would drop an unknown one without a word."""
    definition = next(each for each in operators.objects("cdi-operator-v1.65.0.yaml") if "versions" in each["spec"])
    [schema] = [each["schema"] for each in definition["spec"]["versions"] if each["name"] == "v1beta1"]
    for stack in ("dev", "prod"):
        assert (
            list(unknown(manifests.cdi(platform(stack))["spec"], schema["openAPIV3Schema"]["properties"]["spec"])) == []
        )
    assert list(unknown({"infra": {"replicas": 1}}, schema["openAPIV3Schema"]["properties"]["spec"])) == [
        "infra.replicas"
    ]


def unknown(value: Any, schema: Any, path: str = "") -> Any:
    """Each field of a value that a schema doesn't have."""
    if isinstance(value, list):
        for each in value:
            yield from unknown(each, schema["items"], path)
    elif isinstance(value, dict) and "properties" in schema:
        for key, inner in value.items():
            place = f"{path}.{key}".removeprefix(".")
            if key in schema["properties"]:
                yield from unknown(inner, schema["properties"][key], place)
            else:
                yield place


def test_the_images_that_no_pod_of_the_plan_names_are_pinned_too():
    """Those that CDI's operator starts, and that of the pods that make folders."""
    [container] = manifests.operator(CdiSpec())[-1]["spec"]["template"]["spec"]["containers"]
    started = [each["value"] for each in container["env"] if each["name"].endswith("_IMAGE")]
    assert len(started) == 7 and all(map(pinned, [*started, IMAGE, HELPER_IMAGE]))


def test_each_program_of_cdi_has_a_limit_of_memory():
    """Talos' out-of-memory handler chooses pods without one first."""
    patches = manifests.cdi(platform())["spec"]["customizeComponents"]["patches"]
    assert [each["resourceName"] for each in patches] == ["cdi-apiserver", "cdi-deployment", "cdi-uploadproxy"]
    for each in patches:
        [container] = json.loads(each["patch"])["spec"]["template"]["spec"]["containers"]
        assert container["name"] == each["resourceName"] and container["resources"]["limits"] == {"memory": "1Gi"}


def test_a_class_that_cdi_does_not_know_gets_its_modes_from_a_profile():
    classes = {
        "mayastor": {
            "provisioner": "io.openebs.csi-mayastor",
            "modes": ["RWX Block", "RWO Block"],
            "snapshots": "fast",
        },
        "ceph": {"provisioner": "rook-ceph.rbd.csi.ceph.com"},
        "rook": {"provisioner": "rook-ceph.rbd.csi.ceph.com", "snapshots": "rook-fast"},
    }
    made = {
        each["metadata"]["name"]: each["spec"]
        for each in manifests.profiles(platform(storage={"local": {}, "classes": classes}))
    }
    assert list(made) == ["local", "local-scratch", "mayastor", "rook"]
    assert made["rook"] == {"snapshotClass": "rook-fast"}
    assert made["local"] == {
        "claimPropertySets": [{"accessModes": ["ReadWriteOnce"], "volumeMode": "Filesystem"}],
        "cloneStrategy": "copy",
    }
    assert made["mayastor"] == {
        "claimPropertySets": [
            {"accessModes": ["ReadWriteMany"], "volumeMode": "Block"},
            {"accessModes": ["ReadWriteOnce"], "volumeMode": "Block"},
        ],
        "snapshotClass": "fast",
    }


def test_cdi_comes_after_its_operator_and_the_class_of_scratch_space():
    graph = run_program(changed(stack_platform("dev"), VOLUMES)).graph
    beneath = graph.reachable(CDI)
    for layer in (
        "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition::cdis.cdi.kubevirt.io",
        "kubernetes:apps/v1:Deployment::cdi-operator",
        "kubernetes:storage.k8s.io/v1:StorageClass::local-scratch",
        "kubernetes:core/v1:Namespace::cdi",
    ):
        assert layer in beneath, layer
    assert CDI in graph.reachable("kubernetes:cdi.kubevirt.io/v1beta1:StorageProfile::local")


def test_the_plan_compares_cdis_version_with_the_last_one():
    guard = run_program(changed(stack_platform("dev"), VOLUMES)).inputs()[
        ("bedplate-native:talos:Guard", "talos-guard")
    ]
    assert guard["cdi"] == CURRENT["cdi"]


@given(platforms())
def test_whatever_a_platform_names_cdi_gets_what_it_needs(raw):
    p = parse(raw)
    known = list(p.storage_classes)
    made = {each["metadata"]["name"]: each["spec"].get("claimPropertySets") for each in manifests.profiles(p)}
    assert set(made) <= set(known)
    # A class is in CDI's own table, or Bedplate writes its modes.
    assert all(
        made.get(name) or capabilities(each.provisioner, raw_parameters(raw, name))
        for name, each in p.storage_classes.items()
    )
    if p.cdi is not None:
        assert manifests.cdi(p)["spec"]["config"]["scratchSpaceStorageClass"] in known


def raw_parameters(raw: Any, name: str) -> Any:
    return raw["storage"]["classes"].get(name, {}).get("parameters", {})
