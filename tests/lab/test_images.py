"""Images without an image builder, and the registry that serves them."""

import json
import subprocess
import tarfile
import threading
import time
import urllib.error
import urllib.request
from dataclasses import replace

import pytest

from lab import rootfs
from lab.images import Image, Store
from lab.platform_images import platform_images
from lab.registry import Registry
from lab.speed import deadline


@pytest.fixture
def image(tmp_path):
    program = tmp_path / "program"
    program.write_bytes(b"#!/bin/true\n")
    program.chmod(0o755)
    return Image(
        name="ghcr.io/some/thing:v1",
        entrypoint=["/usr/bin/program"],
        files={"usr/bin/program": program},
        links={"var/run": "../run"},
        directories=["run"],
        user="65532",
    )


def test_equal_files_become_equal_images(image, tmp_path):
    digests = []
    for name in ("one", "two"):
        store = Store(tmp_path / name)
        assert store.add([image]) == [image.name]
        digests.append(store.index()["some/thing:v1"]["digest"])
    assert digests[0] == digests[1]


def test_an_image_is_built_again_only_after_its_files_changed(image, tmp_path):
    store = Store(tmp_path / "store")
    store.add([image])
    assert store.add([image]) == []
    next(iter(image.files.values())).write_bytes(b"other")
    assert store.add([image]) == [image.name]


def test_two_labs_that_build_images_at_the_same_time_lose_none(image, tmp_path, monkeypatch):
    """Rehearsals run beside tests that start labs, and both write the same index."""
    build = Store._build

    def slowly(store, each):
        time.sleep(0.2)
        return build(store, each)

    monkeypatch.setattr(Store, "_build", slowly)
    other = replace(image, name="ghcr.io/some/other:v1")
    threads = [threading.Thread(target=Store(tmp_path / "store").add, args=([each],)) for each in (image, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(Store(tmp_path / "store").index()) == {"some/thing:v1", "some/other:v1"}


def test_a_cached_file_is_built_once_however_many_ask_for_it_at_the_same_time(tmp_path):
    builds = []

    def make(fresh):
        builds.append(fresh)
        time.sleep(0.2)
        fresh.mkdir()

    (tmp_path / "kept").mkdir()
    threads = [threading.Thread(target=rootfs.kept, args=(tmp_path / "kept", ["fact"], make)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(builds) == 1 and rootfs.kept(tmp_path / "kept", ["fact"], make).is_dir()


def test_a_layer_has_folders_before_their_files_and_root_owns_all(image, tmp_path):
    store = Store(tmp_path / "store")
    store.add([image])
    manifest = json.loads((store.blobs / store.index()["some/thing:v1"]["digest"][7:]).read_text())
    with tarfile.open(store.blobs / manifest["layers"][0]["digest"][7:]) as tar:
        names = tar.getnames()
        assert names.index("usr") < names.index("usr/bin") < names.index("usr/bin/program")
        assert {(m.uid, m.gid, m.mtime) for m in tar.getmembers()} == {(0, 0, 0)}
        assert tar.getmember("usr/bin/program").mode == 0o755
    config = json.loads((store.blobs / manifest["config"]["digest"][7:]).read_text())
    assert config["config"]["User"] == "65532" and config["architecture"] == "amd64"


def test_images_whose_binary_is_missing_are_left_out(tmp_path):
    tools = tmp_path / "lab-tools"
    tools.write_bytes(b"")
    names = {i.name for i in platform_images({"lab-tools": tools}, kubernetes="v1", etcd="v2", coredns="v3")}
    assert "registry.k8s.io/etcd:v2" not in names and "registry.k8s.io/pause:3.10" in names


def test_talosctls_image_has_a_tag_for_every_requested_release(tmp_path):
    program = tmp_path / "talosctl"
    program.write_bytes(b"")
    names = ["ghcr.io/siderolabs/talosctl:v1.14.2", "ghcr.io/siderolabs/talosctl:v1.14.3"]
    images = platform_images(
        {"lab-tools": program, "talosctl": program}, kubernetes="v1", etcd="v2", coredns="v3", talosctl=names
    )
    assert [(i.name, list(i.entrypoint)) for i in images if "talosctl" in i.name] == [
        (name, ["/usr/local/bin/talosctl"]) for name in names
    ]


def test_the_registry_serves_by_tag_and_digest_and_records_requests_that_it_can_not_serve(image, tmp_path):
    store = Store(tmp_path / "store")
    store.add([image])
    missing: list[str] = []
    registry = Registry(store.directory, "127.0.0.1", 0, missing=missing.append)
    try:
        base = f"http://127.0.0.1:{registry.port}/v2"
        with urllib.request.urlopen(f"{base}/some/thing/manifests/v1?ns=ghcr.io", timeout=deadline(5)) as answer:
            digest = answer.headers["Docker-Content-Digest"]
            layer = json.loads(answer.read())["layers"][0]
        with urllib.request.urlopen(f"{base}/some/thing/manifests/{digest}", timeout=deadline(5)) as answer:
            assert answer.status == 200
        with urllib.request.urlopen(f"{base}/some/thing/blobs/{layer['digest']}", timeout=deadline(5)) as answer:
            assert len(answer.read()) == layer["size"]
        for _ in range(2):
            with pytest.raises(urllib.error.HTTPError, match="404"):
                urllib.request.urlopen(f"{base}/cilium/cilium/manifests/v1.19.6?ns=quay.io", timeout=deadline(5))
        assert missing == ["quay.io/cilium/cilium:v1.19.6"]
    finally:
        registry.stop()


def test_no_path_leads_out_of_the_store(image, tmp_path):
    store = Store(tmp_path / "store")
    store.add([image])
    (tmp_path / "secret").write_text("secret")
    registry = Registry(store.directory, "127.0.0.1", 0)
    try:
        for path in ("/v2/x/blobs/../../secret", "/v2/x/manifests/sha256:..", "/v2/x/manifests/sha256:../index.json"):
            response = subprocess.run(
                [
                    "curl",
                    "-s",
                    "--path-as-is",
                    "-o",
                    "-",
                    "-w",
                    "%{http_code}",
                    f"http://127.0.0.1:{registry.port}{path}",
                ],
                capture_output=True,
                text=True,
                timeout=deadline(10),
            )
            assert response.stdout.endswith("404"), path
    finally:
        registry.stop()
