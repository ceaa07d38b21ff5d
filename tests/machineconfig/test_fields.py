"""Settings that people patched for: containerd's part, mounts of the kubelet, kernel parameters, components' images."""

import tomllib
from typing import Any

import pytest
from conftest import changed, stack_platform
from hypothesis import given
from hypothesis import strategies as st

from core.facts.containerd import PART
from core.facts.sysctls import dotted, path
from core.machineconfig.documents import documents
from core.machineconfig.documents.containerd import toml
from core.machineconfig.merge import merge
from core.model import parse

KEYS = st.from_regex(r"\A[a-z][a-z0-9_.:-]{0,8}\Z")
# The model refuses texts that are not printable.
TEXTS = st.text().filter(str.isprintable)
VALUES = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXTS | st.lists(TEXTS, max_size=3),
    lambda inner: st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(KEYS, st.dictionaries(KEYS, VALUES, max_size=3), max_size=3))
def test_what_is_written_as_toml_is_read_back(tables):
    assert tomllib.loads(toml(tables)) == tables


def of(*keys: tuple[str, Any], stack: str = "prod") -> Any:
    return parse(changed(stack_platform(stack), dict(keys)))


def _legacy(platform: Any, name: str) -> Any:
    merged = merge(dict(document) for document in documents(platform, name))
    return next(body for body in merged.documents.values() if "machine" in body)["machine"]


def part(platform: Any, name: str) -> Any:
    (file,) = [file for file in _legacy(platform, name)["files"] if file["path"] == PART]
    return tomllib.loads(file["content"])["plugins"]


IMAGES, RUNTIME = "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime"


def test_ours_and_all_settings_of_the_file_are_one_part():
    platform = of(
        ("talos.containerd", {IMAGES: {"discard_unpacked_layers": False, "max_concurrent_downloads": 3}}),
        (
            "classes",
            {"gpu": {"role": "worker", "containerd": {RUNTIME: {"containerd": {"default_runtime_name": "nvidia"}}}}},
        ),
        ("machines.wk-1.class", "gpu"),
        ("machines.wk-1.containerd", {RUNTIME: {"enable_cdi": True}, IMAGES: {"max_concurrent_downloads": 8}}),
    )
    assert part(platform, "wk-1") == {
        RUNTIME: {
            "device_ownership_from_security_context": True,
            "enable_cdi": True,
            "containerd": {"default_runtime_name": "nvidia"},
        },
        IMAGES: {"discard_unpacked_layers": False, "max_concurrent_downloads": 8},
    }
    assert part(platform, "wk-2")[IMAGES] == {"discard_unpacked_layers": False, "max_concurrent_downloads": 3}


def test_without_settings_the_part_is_as_before():
    (file,) = _legacy(of(), "wk-1")["files"]
    assert file["content"] == f'[plugins."{RUNTIME}"]\n  device_ownership_from_security_context = true\n'
    assert "files" not in _legacy(of(("kubevirt", None), ("vms", None)), "wk-1")


def test_the_kubelet_shares_the_folders_of_all_machines_and_of_its_own():
    platform = of(
        ("talos.kubelet_mounts", {"/var/lib/longhorn": {}}),
        ("machines.wk-1.kubelet_mounts", {"/var/local/models": {"read_only": True}}),
    )
    mounts = _legacy(platform, "wk-1")["kubelet"]["extraMounts"]
    assert [(m["destination"], m["source"], m["type"], m["options"]) for m in mounts] == [
        ("/var/lib/longhorn", "/var/lib/longhorn", "bind", ["bind", "rshared", "rw"]),
        ("/var/local/models", "/var/local/models", "bind", ["bind", "rshared", "ro"]),
    ]
    assert "extraMounts" not in _legacy(of(), "wk-1")["kubelet"]


@pytest.mark.parametrize(
    ("spelled", "sysctl"),
    [
        ("net.core.somaxconn", "net.core.somaxconn"),
        ("net/core/somaxconn", "net.core.somaxconn"),
        ("net.ipv4.conf.eth0/5.forwarding", "net.ipv4.conf.eth0/5.forwarding"),
        ("net/ipv4/conf/eth0.5/forwarding", "net.ipv4.conf.eth0/5.forwarding"),
        ("net/ipv6/conf/bond0.100/disable_ipv6", "net.ipv6.conf.bond0/100.disable_ipv6"),
    ],
)
def test_a_kernel_parameter_has_one_spelling_in_the_config(spelled, sysctl):
    """Talos reads both, and takes two spellings for two parameters."""
    assert _legacy(of(("talos.sysctls", {spelled: "1"})), "wk-1")["sysctls"] == {sysctl: "1"}


def test_a_machine_overrides_a_parameter_in_the_other_spelling():
    platform = of(
        ("talos.sysctls", {"net.core.somaxconn": "1024"}), ("machines.wk-1.sysctls", {"net/core/somaxconn": "4096"})
    )
    assert _legacy(platform, "wk-1")["sysctls"] == {"net.core.somaxconn": "4096"}


PART_OF_A_NAME = st.from_regex(r"\A[a-z0-9_]{1,5}(\.[0-9]{1,3})?\Z")


@given(st.lists(PART_OF_A_NAME, min_size=1, max_size=4))
def test_both_spellings_are_one_path(parts):
    slashed = "/".join(("net", *parts))
    assert path(dotted(slashed)) == slashed
    assert dotted(dotted(slashed)) == dotted(slashed)


def test_components_come_from_the_repository_of_the_file_in_the_version_of_kubernetes():
    names = ("kubelet", "apiserver", "controller_manager", "scheduler")
    platform = of(("talos.components", {name: f"mirror.example.com/k8s/{name.replace('_', '-')}" for name in names}))
    merged = merge(dict(document) for document in documents(platform, "cp-1"))
    legacy = next(body for body in merged.documents.values() if "machine" in body)
    version = platform.talos.kubernetes
    assert legacy["machine"]["kubelet"]["image"] == f"mirror.example.com/k8s/kubelet:{version}"
    assert legacy["cluster"]["apiServer"]["image"] == f"mirror.example.com/k8s/apiserver:{version}"
    assert legacy["cluster"]["controllerManager"]["image"] == f"mirror.example.com/k8s/controller-manager:{version}"
    assert legacy["cluster"]["scheduler"]["image"] == f"mirror.example.com/k8s/scheduler:{version}"
