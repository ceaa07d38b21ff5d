"""The images that a stack leads to: all that its plan names, and those that start later."""

import re

import pytest
from conftest import ROOT, changed, run_program, stack_platform

from core.facts import charts
from core.facts.cilium_images import OWN, cilium_images
from core.facts.images import PINNED
from core.facts.talos_images import is_known, own_images
from core.images import listed
from core.images.found import found
from core.model import parse
from lab import vm_images
from operations import images as command


def references(raw):
    return [image.reference for image in listed(parse(raw)).images]


def by(raw):
    return {image.reference: image.by for image in listed(parse(raw)).images}


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_every_image_that_a_plan_names_is_listed(stack):
    raw = stack_platform(stack)
    ran = run_program(raw)
    named = {image for inputs in ran.inputs().values() for image in found(inputs)}
    named -= {image for image in named if not re.fullmatch(PINNED, image)}
    assert len(named) >= 3
    assert named <= set(references(raw))


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_every_image_is_pinned_and_listed_once(stack):
    found = references(stack_platform(stack))
    assert found == sorted(set(found))
    assert [image for image in found if not re.fullmatch(PINNED, image, re.ASCII)] == []


def test_what_needs_an_image_is_named():
    users = by(stack_platform("prod"))
    assert users["quay.io/containerdisks/fedora:42"] == ("VM build-1", "VM build-2", "VM erp")
    assert users["docker.io/nginxinc/nginx-unprivileged:1.29.3"] == ("workload portal",)
    assert users["ghcr.io/siderolabs/talosctl:v1.14.2"] == ("snapshots of etcd",)
    assert users["registry.k8s.io/etcd:3.7.1"] == ("Talos",)


def test_a_disk_brings_cdi_and_what_it_starts():
    disk = {
        "disk": {
            "size": "20Gi",
            "from": {"registry": {"image": f"quay.io/containerdisks/fedora:42@sha256:{'1' * 64}"}},
        },
        "cpu": 2,
        "memory": "4Gi",
    }
    raw = changed(stack_platform("dev"), {"storage": {"local": {}}, "vms": {"web": disk}})
    users = by(raw)
    assert users[f"quay.io/containerdisks/fedora:42@sha256:{'1' * 64}"] == ("VM web",)
    assert users["docker.io/library/busybox:1.37.0"] == ("local storage",)
    cdi = {image.rpartition("/")[2].partition(":")[0] for image, user in users.items() if user == ("CDI",)}
    assert {"cdi-operator", "cdi-controller", "cdi-importer", "cdi-cloner", "cdi-uploadserver"} <= cdi


def test_a_patch_chooses_the_image():
    raw = stack_platform("prod")
    raw["talos"]["patches"] = [{"cluster": {"etcd": {"image": "registry.example.com/etcd:v3.6.99"}}}]
    assert "registry.example.com/etcd:v3.6.99" in references(raw)
    assert not any(image.startswith("registry.k8s.io/etcd:") for image in references(raw))


def test_kube_proxy_is_off():
    assert not any("kube-proxy" in image for image in references(stack_platform("prod")))


def test_values_of_cilium_choose_its_images():
    raw = stack_platform("prod")
    before = set(references(raw))
    more = changed(raw, {"cilium.values": {"hubble": {"ui": {"enabled": True}}, "envoy": {"enabled": False}}})
    names = {image.partition(":")[0] for image in before ^ set(references(more))}
    assert names == {f"quay.io/cilium/{name}" for name in ("hubble-ui", "hubble-ui-backend", "cilium-envoy")}
    moved = changed(raw, {"cilium.values": {"operator": {"image": {"repository": "r.example.com/c/operator"}}}})
    version = raw["cilium"]["version"]
    assert f"r.example.com/c/operator-generic:v{version}" in {i.partition("@")[0] for i in references(moved)}


def test_without_hubble_there_is_neither_relay_nor_certgen():
    found = references(changed(stack_platform("prod"), {"cilium.hubble": False}))
    assert not any("hubble" in image or "certgen" in image for image in found)


def test_the_release_knows_the_images_of_each_chart_that_it_knows():
    assert set(cilium_images()) == set(charts.CILIUM)
    for version, images in cilium_images().items():
        for name, repository in OWN.items():
            assert images[name].startswith(f"quay.io/cilium/{repository}:v{version}@sha256:")
        assert all(re.fullmatch(PINNED, image, re.ASCII) for image in images.values())


def test_what_is_not_known_is_said():
    raw = changed(stack_platform("prod"), {"cilium.version": "1.20.7", "cilium.digest": "sha256:" + "1" * 64})
    assert list(listed(parse(raw)).unknown) == [
        "Talos v1.14.2: its etcd, CoreDNS and pause are those of v1.14.1, because v1.14.2 is not known here",
        "Cilium 1.20.7: the digests of its images, Envoy and certgen are not known here; "
        "`helm template` on the chart lists them",
    ]
    assert "quay.io/cilium/cilium:v1.20.7" in references(raw)


@pytest.mark.parametrize(
    ("release", "etcd", "known"),
    [
        ("v1.12.0", "v3.6.7", True),
        ("v1.12.4", "v3.6.7", True),
        ("v1.12.5", "v3.6.8", True),
        ("v1.13.9", "v3.6.12", True),
        ("v1.14.1", "3.7.1", True),
        ("v1.14.9", "3.7.1", False),
    ],
)
def test_a_talos_release_has_its_own_etcd(release, etcd, known):
    assert own_images(release)["etcd"] == f"registry.k8s.io/etcd:{etcd}"
    assert is_known(release) is known


def test_a_talos_minor_that_is_not_known_has_none():
    assert own_images("v1.19.0") == {} and not is_known("v1.19.0")


def test_the_rehearsal_has_each_image_of_kubevirt(monkeypatch):
    """virt-operator, in the rehearsal, pulls by these names: one too few would be missed here, or there."""
    monkeypatch.setattr(vm_images, "system", lambda built: None)
    monkeypatch.setattr(vm_images._Built, "image", lambda self, name, *rest, **more: name)
    there = vm_images.kubevirt({}, "quay.io/kubevirt", "v1.8.4")
    named = [image for image, user in by(stack_platform("dev")).items() if user == ("KubeVirt",)]
    assert sorted(there) == named


def test_found_in_arguments_and_variables():
    manifest = {
        "containers": [
            {
                "image": "a/b:1",
                "args": ["--helper-image=c/d:2", "--image-pull"],
                "env": [{"name": "X_IMAGE", "value": "e/f:3"}],
            }
        ],
        "url": "docker://g/h:4",
    }
    assert list(found(manifest)) == ["a/b:1", "c/d:2", "e/f:3", "g/h:4"]


def test_the_command_prints_a_line_for_each(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert command.main(["Pulumi.prod.yaml"]) == 0
    printed = capsys.readouterr()
    assert "quay.io/containerdisks/debian:13\tVM mail\n" in printed.out
    assert printed.err.startswith("images: Talos v1.14.2: ")


def test_the_command_refuses_a_faulty_file(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "Pulumi.x.yaml"
    file.write_text("config: {bedplate:platform: {name: X}}\n")
    assert command.main([str(file)]) == 2
    assert capsys.readouterr().err.startswith("images: the stack file has ")


def test_a_golden_image_of_a_registry_is_pulled_too(prod):
    image = {"registry": {"image": "quay.io/containerdisks/fedora:42"}, "size": "1Gi", "refresh": "0 3 * * 1"}
    edits = {"storage": {"local": {}}, "images": {"fedora": image}}
    needed = {each.reference: each.by for each in listed(parse(changed(prod, edits))).images}
    assert "image fedora" in needed["quay.io/containerdisks/fedora:42"]
