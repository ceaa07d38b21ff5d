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
from lab.layers import NET_BIND_SERVICE, Layer, write
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


def test_a_disks_file_is_served_by_its_digest_in_the_parts_that_are_asked_for(tmp_path):
    store = Store(tmp_path / "store")
    (tmp_path / "disk").write_bytes(b"0123456789")
    digest = store.keep(tmp_path / "disk")
    assert store.keep(tmp_path / "disk") == digest
    registry = Registry(store.directory, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{registry.port}/files/{digest}/disk.qcow2"
    try:
        with urllib.request.urlopen(url, timeout=deadline(5)) as answer:
            assert answer.read() == b"0123456789" and answer.headers["Accept-Ranges"] == "bytes"
        for asked, got in {"bytes=2-4": b"234", "bytes=8-": b"89", "bytes=8-99": b"89"}.items():
            request = urllib.request.Request(url, headers={"Range": asked})
            with urllib.request.urlopen(request, timeout=deadline(5)) as answer:
                assert (answer.status, answer.read()) == (206, got), asked
        head = urllib.request.Request(url, method="HEAD")
        with urllib.request.urlopen(head, timeout=deadline(5)) as answer:
            assert answer.headers["Content-Length"] == "10" and answer.read() == b""
        for wrong in (url.replace(digest, "0" * 64), url.replace("disk.qcow2", "../index.json")):
            with pytest.raises(urllib.error.HTTPError, match="404"):
                urllib.request.urlopen(wrong, timeout=deadline(5))
        with pytest.raises(urllib.error.HTTPError, match="416"):
            urllib.request.urlopen(urllib.request.Request(url, headers={"Range": "bytes=10-"}), timeout=deadline(5))
    finally:
        registry.stop()


@pytest.fixture
def tree(tmp_path):
    """A small system: a program, a link, an empty folder, and what is to stay out."""
    root = tmp_path / "tree"
    for folder in ("usr/bin", "usr/share/doc/deep", "var/lib/empty"):
        (root / folder).mkdir(parents=True)
    (root / "usr/bin/tool").write_text("tool")
    (root / "usr/bin/tool").chmod(0o755)
    (root / "usr/bin/alias").symlink_to("tool")
    (root / "usr/share/doc/deep/text").write_text("much")
    (root / "usr/bin/replaced").write_text("theirs")
    return root


def test_a_layer_of_a_tree_leaves_out_and_replaces_what_it_says(tree, tmp_path):
    layer = Layer(
        tree=tree,
        without=("usr/share/doc", "*.a"),
        texts={"usr/bin/replaced": b"ours"},
        programs=("usr/bin/replaced",),
        links={"bin": "usr/bin"},
        shared=("tmp",),
    )
    write(layer, tmp_path / "layer")
    with tarfile.open(tmp_path / "layer") as tar:
        found = {each.name: each for each in tar}
        assert tar.extractfile("usr/bin/replaced").read() == b"ours"
        assert len(tar.getnames()) == len(found), "nothing is in it twice"
    assert "usr/share" in found and not [name for name in found if "doc" in name]
    assert found["usr/bin/alias"].linkname == "tool" and found["bin"].linkname == "usr/bin"
    assert found["var/lib/empty"].isdir() and found["tmp"].mode == 0o1777
    assert found["usr/bin/tool"].mode == found["usr/bin/replaced"].mode == 0o755
    assert {(each.uid, each.gid, each.mtime) for each in found.values()} == {(0, 0, 0)}


def test_a_program_gets_its_capability_as_an_attribute_of_the_file(image, tmp_path):
    program = next(iter(image.files))
    layer = Layer(files=image.files, capabilities={program: NET_BIND_SERVICE})
    write(layer, tmp_path / "layer")
    with tarfile.open(tmp_path / "layer") as tar:
        headers = tar.getmember(program).pax_headers
    # As setcap writes it: cap_net_bind_service=ep.
    assert headers["SCHILY.xattr.security.capability"].encode() == bytes.fromhex("0100000200040000" + "00" * 12)


def test_images_share_the_layers_below_them(image, tree, tmp_path):
    store = Store(tmp_path / "store")
    system = Layer(tree=tree)
    images = [replace(image, name=f"ghcr.io/some/{name}:v1", below=(system,)) for name in ("one", "two")]
    store.add(images)
    layers = []
    for each in images:
        manifest = json.loads((store.blobs / store.digest(each.path).partition(":")[2]).read_text())
        config = json.loads((store.blobs / manifest["config"]["digest"].partition(":")[2]).read_text())
        assert config["rootfs"]["diff_ids"] == [layer["digest"] for layer in manifest["layers"]]
        layers.append([layer["digest"] for layer in manifest["layers"]])
        with tarfile.open(store.blobs / layers[-1][1].partition(":")[2]) as tar:
            assert "etc/passwd" not in tar.getnames(), "the system below has the users"
    assert layers[0] == layers[1] and len(layers[0]) == 2


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
