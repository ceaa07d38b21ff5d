"""Each value of the model may be encrypted or is refused in one line that says why: the model is walked, not listed."""

import base64
from itertools import pairwise

import pytest

from core.model import StackFileError, parse, places, sealed, setting
from tests.model.test_texts import EVERYTHING, TODAY, put

KEY = "bedplate:platform"
BASE64 = "LS0tLS1CRUdJTiBFQyBQUklWQVRFIEtFWS0tLS0tCg=="


# Each place that may be encrypted, and is not in everything.yaml, is encrypted here.
def encrypted(name):
    return {"secure": f"v1:{base64.b64encode(name.encode()).decode()}:c2VjcmV0"}


def document(kind, **fields):
    return {"apiVersion": "v1alpha1", "kind": kind, **fields}


FILE = {"op": "create", "path": "/var/etc/x", "content": encrypted("file")}
PATCHES = [
    {"machine": {"files": [FILE], "env": {"http_proxy": encrypted("proxy")}}},
    document("ExtensionServiceConfig", name="nut", environment=["A=b", encrypted("service")]),
    document("RegistryAuthConfig", name="r.example.com", username=encrypted("user"), password=encrypted("password")),
]
VALUES = {
    "hubble": {"ui": {"tls": {"client": {"cert": BASE64, "key": encrypted("ui")}}}},
    "tls": {"ca": {"cert": BASE64, "key": encrypted("ca")}},
    "clustermesh": {"config": {"clusters": [{"name": "b", "tls": {"key": encrypted("mesh")}}]}},
}
WHOLE = {
    **EVERYTHING,
    "talos": {**EVERYTHING["talos"], "patches": PATCHES},
    "cilium": {**EVERYTHING["cilium"], "values": VALUES},
}
SECRET = [
    *(
        ("talos", "patches", *path)
        for path in [
            (0, "machine", "files", 0, "content"),
            (0, "machine", "env", "http_proxy"),
            (1, "environment", 0),
            (1, "environment", 1),
            (2, "username"),
            (2, "password"),
        ]
    ),
    ("cilium", "values", "hubble", "ui", "tls", "client", "key"),
    ("cilium", "values", "tls", "ca", "key"),
    ("cilium", "values", "clustermesh", "config", "clusters", 0, "tls", "key"),
    *(
        ("vms", "web", "cloud_init", *path)
        for path in [
            ("runcmd",),
            ("runcmd", 0),
            ("runcmd", 0, 0),
            ("runcmd", 0, 1),
            ("runcmd", 0, 2),
            ("write_files",),
            ("write_files", 0),
            ("write_files", 0, "path"),
            ("write_files", 0, "content"),
        ]
    ),
]


def everywhere(value, path=()):
    """The path of each value of a platform: texts, numbers, mappings and lists."""
    if path:
        yield path
    if sealed.is_encrypted(value):
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from everywhere(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from everywhere(inner, (*path, index))


EVERYWHERE = list(everywhere(WHOLE))


def with_encrypted(path):
    return put(WHOLE, path, encrypted("another"), False)


def answer(raw):
    """The platform of a stack file, or the lines that refuse it."""
    closed = sealed.without_secrets(raw, {KEY: raw})
    try:
        return parse(closed.platform, TODAY, closed.faults)
    except StackFileError as refused:
        return [str(fault) for fault in refused.faults]


def test_the_platform_that_is_changed_is_valid():
    assert not isinstance(found := answer(WHOLE), list), found


def test_every_secret_may_be_encrypted_and_nothing_else():
    assert {path for path in EVERYWHERE if places.may_be_encrypted(WHOLE, path)} == set(SECRET)


@pytest.mark.parametrize("section", WHOLE)
def test_an_encrypted_value_is_taken_or_refused_in_one_line_with_the_reason(section):
    for path in (path for path in EVERYWHERE if path[0] == section):
        found = answer(with_encrypted(path))
        if path in SECRET:
            # cloud-init itself wants a list there.
            assert not isinstance(found, list) or "is not a list" in found[0], found
            continue
        assert isinstance(found, list) and len(found) == 1, (path, found)
        where, _, said = found[0].partition(": ")
        what, why, instead = said.split("; ", 2)
        assert where == f"platform.{'.'.join(map(str, path))}"
        assert what in ("may not be encrypted", "is encrypted as a whole") and len(why) > 20, said
        assert instead.startswith("write ") and "v1:" not in said and "(secret" not in said, said


def test_a_login_beside_its_address_is_refused_with_the_command_that_encrypts_it():
    raw = put(WHOLE, ("machines", "cp-1", "bmc", "password"), encrypted("bmc"), False)
    (line,) = answer(raw)
    assert line.startswith("platform.machines.cp-1.bmc.password: does not belong here; ")
    assert line.endswith("config set --secret --path 'bedplate:bmc.password' --stack STACK")


KEYS = [path for path in SECRET if path[0] == "cilium"]


@pytest.mark.parametrize("path", KEYS)
def test_a_private_key_of_the_chart_is_refused_in_plain_text(path):
    (line,) = answer(put(WHOLE, path, BASE64, False))
    at = setting.property_path(path)
    assert line.endswith(
        f"encrypt it: ./bedplate pulumi config set --path --secret 'bedplate:platform{at}' --stack STACK"
    )
    assert ": is a secret in plain text; " in line and BASE64 not in line


@pytest.mark.parametrize("path", KEYS)
@pytest.mark.parametrize(
    ("secret", "fine"), [(BASE64, True), ("-----BEGIN " + "EC PRIVATE KEY-----", False), (" ", False)]
)
def test_a_private_key_of_the_chart_is_base64(path, secret, fine):
    """The chart copies it to a Secret as it is, and Kubernetes refuses any other text there after the machines run."""
    written = {"cilium": {"values": {}}}
    handed = {"cilium": {"values": {}}}
    for platform, value in ((written, encrypted("key")), (handed, secret)):
        at = platform["cilium"]["values"]
        for key, below in pairwise(path[2:]):
            if isinstance(key, str):
                at.setdefault(key, [{}] if isinstance(below, int) else {})
            at = at[key]
        at[path[-1]] = value
    found = [str(fault) for fault in sealed.sealed(handed, {KEY: written}, KEY).faults]
    assert (found == []) is fine and not (secret.strip() and secret in "".join(found))
