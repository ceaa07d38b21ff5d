"""Golden images: what they are fetched from, and the disks that are copies of them."""

from copy import deepcopy

import pytest
from conftest import changed
from diskvms import CLASSES, HTTP, with_disk
from refusing import accepted, refused

from core.model import parse
from core.model.advice import _images as images_advice
from core.model.claims import claims, image_claim
from core.model.copies import unready

FEDORA = {**HTTP, "size": "10Gi"}
TAG = "quay.io/containerdisks/fedora:42"
FOLLOWED = {"registry": {"image": TAG}, "size": "10Gi", "refresh": "0 3 * * 1"}
COPY = {"size": "20Gi", "from": {"image": "fedora"}}
STORAGE = {"classes": CLASSES, "default": "ceph-block"}


def with_image(raw, image=FEDORA, **more):
    """A stack file with the image fedora and a VM, db, with a copy of it; more: edits."""
    return changed(with_disk(raw, disk=deepcopy(COPY)), {"images": {"fedora": deepcopy(image)}, **more})


def test_an_image_of_another_source_or_size_is_another_claim(prod):
    first = image_claim(parse(with_image(prod)), "fedora")
    assert first.namespace == "golden-images" and first.name.startswith("fedora-") and len(first.name) == 15
    assert image_claim(parse(with_image(prod)), "fedora").name == first.name
    for edits in (
        {"images.fedora.size": "11Gi"},
        {"images.fedora.class": "longhorn"},
        {"images.fedora.http.url": "https://images.example.com/fedora-43.qcow2"},
        {"images.fedora.http.checksum": "sha256:" + "0" * 64},
    ):
        assert image_claim(parse(with_image(prod, **edits)), "fedora").name != first.name


@pytest.mark.parametrize(
    ("image", "says"),
    [
        ({**FEDORA, "registry": {"image": TAG}}, "has http and registry; an image is fetched from exactly one place"),
        ({"size": "10Gi"}, "has no source; an image is fetched from exactly one place; keep one of http, registry, s3"),
        ({**FEDORA, "refresh": "0 3 * * 1"}, "has refresh and http; CDI looks for newer images in registries alone"),
        ({"registry": {"image": TAG}, "size": "1Gi"}, "has no digest; a tag can be moved"),
        ({**FOLLOWED, "registry": {"image": f"{TAG}@sha256:{'0' * 64}"}}, "has a digest, and the image has refresh; "),
        ({**FOLLOWED, "refresh": "*/30 * * * *"}, "runs 2 times an hour; registries limit how often they are asked"),
        ({**FOLLOWED, "refresh": "0 0 30 2 *"}, "names a date that no year has; no newer image would ever be found"),
        ({**FEDORA, "size": "10GB"}, "is not a size; volumes and file systems count in binary multiples"),
        (
            {**FEDORA, "class": "ceph-blok"},
            "there is no class 'ceph-blok'; a plan must know what a disk's class can do",
        ),
        ({**FEDORA, "http": {"url": "https://images.example.com/a"}}, "is missing; it is required and has no default"),
    ],
)
def test_a_faulty_image_is_refused(image, says):
    line = refused({"storage": STORAGE, "images": {"fedora": image}})
    assert line.startswith("platform.images.fedora") and says in line


@pytest.mark.parametrize("name", ["Fedora", "42", "a" * 41, "fedora.42", "-a"])
def test_a_name_that_makes_no_objects_is_refused(name):
    assert "is not the name of an image" in refused({"storage": STORAGE, "images": {name: FEDORA}})


def test_an_image_without_kubevirt_or_a_class_is_refused():
    assert "but there is no section kubevirt" in refused(
        {"storage": STORAGE, "images": {"fedora": FEDORA}, "kubevirt": None, "vms": None}
    )
    assert "has no class, and storage has no default one" in refused({"images": {"fedora": FEDORA}})


@pytest.mark.parametrize(
    ("images", "says"),
    [
        ({"fedora-42": FEDORA}, "did you mean fedora-42?"),
        ({"debian": FEDORA}, "known images: debian"),
        ({}, "write images: {fedora: {…}}"),
    ],
)
def test_a_copy_of_an_image_that_is_not_declared_is_refused(images, says):
    vm = {"cpu": 2, "memory": "4Gi", "disk": COPY}
    line = refused({"storage": STORAGE, "images": images, "vms": {"db": vm}})
    assert line.startswith("platform.vms.db.disk.from.image: there is no image 'fedora'; ") and line.endswith(says)


def test_the_namespace_of_images_is_no_namespace_of_vms():
    vm = {"cpu": 2, "memory": "4Gi", "disk": COPY, "namespace": "golden-images"}
    assert "golden-images" in refused({"storage": STORAGE, "images": {"fedora": FEDORA}, "vms": {"db": vm}})


def test_images_bring_cdi_along():
    assert accepted({"storage": STORAGE, "images": {"fedora": FEDORA}}).cdi is not None


def test_a_disk_that_is_smaller_than_its_image_is_not_made(prod):
    platform = parse(with_image(prod, **{"images.fedora.size": "21Gi"}))
    assert unready(platform, claims(platform, "db")[0]) == (
        "is to have 20Gi, and image fedora, which it is a copy of, has 21Gi; its end would be missing, so CDI does not "
        "begin; write size: 21Gi or more"
    )
    platform = parse(with_image(prod, **{"images.fedora.size": "20Gi"}))
    assert unready(platform, claims(platform, "db")[0]) is None


def test_a_tag_that_is_followed_and_a_copy_between_classes_are_warnings(prod):
    assert list(images_advice(parse(with_image(prod)))) == []
    (warning,) = images_advice(parse(with_image(prod, FOLLOWED)))
    assert "images.fedora.refresh: follows a tag; whoever writes to the registry decides" in str(warning)
    (warning,) = images_advice(parse(with_image(prod, **{"images.fedora.class": "files"})))
    assert "vms.db.disk.class: is ceph-block, and image fedora is in files; no driver copies" in str(warning)
