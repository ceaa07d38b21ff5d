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


def test_the_same_files_make_the_same_bytes(image, tmp_path):
    digests = []
    for name in ("one", "two"):
        store = Store(tmp_path / name)
        assert store.add([image]) == [image.name]
        digests.append(store.index()["some/thing:v1"]["digest"])
    assert digests[0] == digests[1]


def test_an_image_is_made_again_only_when_its_files_changed(image, tmp_path):
    store = Store(tmp_path / "store")
    store.add([image])
    assert store.add([image]) == []
    next(iter(image.files.values())).write_bytes(b"other")
    assert store.add([image]) == [image.name]


def test_two_labs_that_make_images_at_once_lose_none(image, tmp_path, monkeypatch):
    """Rehearsals run beside tests that start labs: both write the one index."""
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


def test_what_is_kept_is_made_once_by_all_that_want_it_at_once(tmp_path):
    made = []

    def make(fresh):
        made.append(fresh)
        time.sleep(0.2)
        fresh.mkdir()

    (tmp_path / "kept").mkdir()
    threads = [threading.Thread(target=rootfs.kept, args=(tmp_path / "kept", ["fact"], make)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1 and rootfs.kept(tmp_path / "kept", ["fact"], make).is_dir()


def test_a_layer_has_parents_before_children_and_no_owner_but_root(image, tmp_path):
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


def test_talosctl_is_there_under_every_release_that_is_asked_for(tmp_path):
    program = tmp_path / "talosctl"
    program.write_bytes(b"")
    asked = ["ghcr.io/siderolabs/talosctl:v1.14.2", "ghcr.io/siderolabs/talosctl:v1.14.3"]
    made = platform_images(
        {"lab-tools": program, "talosctl": program}, kubernetes="v1", etcd="v2", coredns="v3", talosctl=asked
    )
    assert [(i.name, list(i.entrypoint)) for i in made if "talosctl" in i.name] == [
        (name, ["/usr/local/bin/talosctl"]) for name in asked
    ]


def test_the_registry_serves_by_tag_and_digest_and_notes_what_it_lacks(image, tmp_path):
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
            told = subprocess.run(
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
            assert told.stdout.endswith("404"), path
    finally:
        registry.stop()
