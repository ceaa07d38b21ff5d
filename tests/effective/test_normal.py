"""Which spellings of a config mean the same, and which only look alike."""

from typing import Any

import pytest

from core.effective.defaults import UNSET
from core.effective.normal import normal, place
from core.facts.document_fields import shapes
from core.machineconfig.merge import LEGACY, Key

RELEASES = ((1, 12), (1, 13), (1, 14))
Document = dict[str, Any]


def machine(**fields: Any) -> Document:
    return {"version": "v1alpha1", "machine": fields}


def volume(**fields: Any) -> Document:
    return {"kind": "VolumeConfig", "name": "EPHEMERAL", **fields}


def disk(key: Document) -> Document:
    return volume(encryption={"keys": [{"slot": 0, **key}]})


SAME: dict[str, tuple[Document, Document]] = {
    "a default is written out": (machine(features={"hostDNS": {"enabled": False}}), machine()),
    "a number that is the default": (machine(features={"kubePrism": {"port": 7445}}), machine()),
    "a default within a free key": (
        machine(registries={"mirrors": {"docker.io": {"endpoints": ["https://m"], "skipFallback": False}}}),
        machine(registries={"mirrors": {"docker.io": {"endpoints": ["https://m"]}}}),
    ),
    "a default in an entry of a list": (
        {"kind": "RegistryMirrorConfig", "name": "h", "endpoints": [{"url": "https://m", "overridePath": False}]},
        {"kind": "RegistryMirrorConfig", "name": "h", "endpoints": [{"url": "https://m"}]},
    ),
    "a default that is true": ({"kind": "TimeSyncConfig", "enabled": True}, {"kind": "TimeSyncConfig"}),
    "what is empty": (machine(network={}, certSANs=[]), machine()),
    "nulls": (machine(kubelet={"image": None}), machine()),
    "a duration": (machine(time={"bootTimeout": "120s"}), machine(time={"bootTimeout": "2m0s"})),
    "a duration of a document": (
        {"kind": "WatchdogTimerConfig", "device": "/dev/watchdog0", "timeout": "1m"},
        {"kind": "WatchdogTimerConfig", "device": "/dev/watchdog0", "timeout": "60s"},
    ),
    "a size": (volume(provisioning={"maxSize": "10GiB"}), volume(provisioning={"maxSize": "10240MiB"})),
    "a kernel parameter with slashes": (
        machine(sysctls={"net/ipv4/ip_forward": "1"}),
        machine(sysctls={"net.ipv4.ip_forward": "1"}),
    ),
    "a number in place of a text": (machine(sysctls={"vm.swappiness": 1}), machine(sysctls={"vm.swappiness": "1"})),
    "true in place of a text": (machine(env={"A": True}), machine(env={"A": "true"})),
    "a file's mode": (
        machine(files=[{"path": "/a", "permissions": "0o644"}]),
        machine(files=[{"path": "/a", "permissions": 420}]),
    ),
    "the order of keys": (machine(type="worker", token="a"), machine(token="a", type="worker")),
}
OTHER: dict[str, tuple[Document, Document]] = {
    "another value than the default": (machine(features={"hostDNS": {"enabled": True}}), machine()),
    "false where true is the default": ({"kind": "TimeSyncConfig", "enabled": False}, {"kind": "TimeSyncConfig"}),
    "a number that is not true": (machine(sysctls={"vm.x": "1"}), machine(sysctls={"vm.x": "true"})),
    "a label without a value": (machine(nodeLabels={"a": ""}), machine()),
    "an argument without a value": (machine(kubelet={"extraArgs": {"v": ""}}), machine()),
    "how a disk is opened": (disk({"nodeID": {}}), disk({"tpm": {}})),
    "a disk that nothing opens": (disk({"nodeID": {}}), disk({})),
    "a duration that is longer": (machine(time={"bootTimeout": "2m1s"}), machine(time={"bootTimeout": "2m0s"})),
    "a size that is larger": (volume(provisioning={"maxSize": "10GiB"}), volume(provisioning={"maxSize": "10GB"})),
    "a share of the disk": (volume(provisioning={"maxSize": "50%"}), volume(provisioning={"maxSize": "60%"})),
    "the order of a list": (machine(certSANs=["a", "b"]), machine(certSANs=["b", "a"])),
}


def key(document: Document) -> Key:
    return (document["kind"], document.get("name", "")) if "kind" in document else LEGACY


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("one", SAME)
def test_what_means_the_same_has_one_normal_form(one, release):
    first, second = SAME[one]
    assert normal(key(first), first, release) == normal(key(second), second, release)


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("one", OTHER)
def test_what_means_something_else_has_another_normal_form(one, release):
    first, second = OTHER[one]
    assert normal(key(first), first, release) != normal(key(second), second, release)


def test_a_path_in_either_spelling_of_a_kernel_parameter_is_one_place():
    assert place(LEGACY, ("machine", "sysctls", "net/ipv4/a")) == ("machine", "sysctls", "net.ipv4.a")
    assert place(("SysctlConfig", ""), ("params", "net/ipv4/a")) == ("params", "net.ipv4.a")
    assert place(LEGACY, ("machine", "nodeLabels", "a/b")) == ("machine", "nodeLabels", "a/b")


def test_every_default_is_of_a_field_that_talos_has_and_of_its_type():
    names = {bool: "bool", int: "int"}
    for (kind, path), value in UNSET.items():
        shape: Any = shapes((1, 14)).get(kind) or shapes((1, 12))[kind]
        for part in path:
            shape = shape[part]
        assert shape in ("any", names[type(value)]), f"{kind} {path}"
