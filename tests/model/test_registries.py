"""Registries: hosts that images are named by, and paths of mirrors that machines ask for as they are meant."""

import pytest
from conftest import stack_platform
from refusing import accepted, refused

MIRROR = {"endpoints": ["https://mirror.example.com"]}


def mirrors(*hosts: str) -> dict:
    return {"registries.mirrors": {**stack_platform("prod")["registries"]["mirrors"], **dict.fromkeys(hosts, MIRROR)}}


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("docker.io/library", "it has a path"),
        ("docker.io/", "it has a path"),
        ("https://docker.io", "it has a scheme"),
        (" docker.io", "it has a blank"),
        ("docker.io ", "it has a blank"),
        ("Docker.io", "it has capital letters"),
        ("hub.docker.com", "images of Docker Hub are named docker.io"),
        ("index.docker.io", "images of Docker Hub are named docker.io"),
        ("registry-1.docker.io:443", "images of Docker Hub are named docker.io"),
        ("registry.example.com:0", "its port 0 is not one of 1 to 65535"),
        ("registry.example.com:99999", "its port 99999 is not one of 1 to 65535"),
    ],
)
def test_a_registry_that_no_image_is_named_by_is_refused(host, why):
    assert f"is not the host of a registry: {why}" in refused(mirrors(host))
    assert f"is not the host of a registry: {why}" in refused({"registries.auth": [host]})


@pytest.mark.parametrize(
    "host",
    [
        "*",
        "docker.io",
        "registry.example.com:5000",
        "registry:5000",
        "10.20.0.9:5000",
        "[fd00::9]:5000",
        "hub.docker.company.example",
    ],
)
def test_a_registry_that_images_are_named_by_is_accepted(host):
    assert host in accepted(mirrors(host)).registries.mirrors


@pytest.mark.parametrize("path", ["v2/docker.io", "v2/a/b", "cache/v2/docker.io", "v2/v2/x"])
def test_a_path_after_v2_requires_override_path(path):
    url = f"https://mirror.example.com/{path}"
    line = refused({"registries.mirrors": {"docker.io": {"endpoints": ["https://a.example.com", url]}}})
    assert (
        line.startswith("platform.registries.mirrors.docker.io.endpoints.1: has the path ") and "override_path" in line
    )
    assert accepted({"registries.mirrors": {"docker.io": {"endpoints": [url], "override_path": True}}})


@pytest.mark.parametrize("path", ["", "/v2", "/docker", "/cache/v2", "/v2cache/docker.io"])
def test_a_path_that_v2_is_appended_to_is_accepted(path):
    """containerd and Talos append /v2 to it, unless it ends in /v2."""
    assert accepted({"registries.mirrors": {"docker.io": {"endpoints": [f"https://mirror.example.com{path}"]}}})
