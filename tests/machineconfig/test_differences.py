"""Machine configs compared by document and field, without a secret in the result."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from core.machineconfig.differences import differences, parse
from core.machineconfig.merge import LEGACY, merge
from core.machineconfig.redaction import HIDDEN, secret


def lines_of(before, after):
    return [str(each) for each in differences(merge(before), merge(after))]


def test_a_changed_field_is_named_with_both_values():
    before = [{"machine": {"nodeLabels": {"a/b": "x"}, "kubelet": {"image": "k:v1"}}}]
    after = [{"machine": {"nodeLabels": {"a/b": "y"}, "kubelet": {"image": "k:v1"}}}]
    assert lines_of(before, after) == ["machine.nodeLabels.a/b: x -> y"]


def test_patches_are_merged_before_they_are_compared():
    apart = [{"machine": {"sysctls": {"a": "1"}}}, {"machine": {"sysctls": {"b": "2"}}}]
    together = [{"machine": {"sysctls": {"a": "1", "b": "2"}}}]
    assert lines_of(apart, together) == []


def test_documents_are_matched_by_kind_and_name():
    before = [{"apiVersion": "v1alpha1", "kind": "VolumeConfig", "name": "STATE", "x": 1}]
    after = [{"apiVersion": "v1alpha1", "kind": "VolumeConfig", "name": "EPHEMERAL", "x": 1}]
    assert lines_of(before, after) == [
        "VolumeConfig EPHEMERAL: the document: (none) -> there",
        "VolumeConfig EPHEMERAL: x: (none) -> 1",
        "VolumeConfig STATE: the document: there -> (none)",
        "VolumeConfig STATE: x: 1 -> (none)",
    ]


@pytest.mark.parametrize(
    ("field", "reboots"),
    [
        ("machine.sysctls.a", False),
        ("machine.kubelet.image", False),
        ("cluster.x", False),
        ("machine.features.hostDNS.enabled", False),
        ("machine.features.rbac", True),
        ("machine.systemDiskEncryption.state", True),
        ("machine.udev.rules", True),
        ("machine.env.x", True),
    ],
)
def test_a_field_that_talos_changes_only_with_a_reboot_is_marked(field, reboots):
    after = value = {}
    *parents, leaf = field.split(".")
    for part in parents:
        value = value.setdefault(part, {})
    value[leaf] = "new"
    [difference] = differences(merge([]), merge([after]))
    assert difference.reboots is reboots and str(difference).endswith(" (reboots)") is reboots


@pytest.mark.parametrize(
    "path",
    [
        "machine.token",
        "machine.ca.key",
        "cluster.secret",
        "cluster.token",
        "cluster.aescbcEncryptionSecret",
        "cluster.secretboxEncryptionSecret",
        "cluster.serviceAccount.key",
        "cluster.etcd.ca.key",
        "machine.registries.config.r.auth.password",
        "machine.env.HTTPS_PROXY",
    ],
)
def test_the_value_of_a_secret_field_is_hidden(path):
    def config(value):
        document = at = {}
        *parents, leaf = path.split(".")
        for part in parents:
            at = at.setdefault(part, {})
        at[leaf] = value
        return [document]

    [line] = lines_of(config("hunter1"), config("hunter2"))
    assert "hunter" not in line and line.startswith(f"{path}: {HIDDEN} differs")


@pytest.mark.parametrize(
    ("field", "element", "path"),
    [
        ("files", {"content": "hunter2", "path": "/x"}, f"machine.files.[content={HIDDEN}]"),
        ("files", {"path": "/x", "content": "hunter2"}, "machine.files.[path=/x]"),
        ("certSANs", {"url": "https://user:hunter2@proxy"}, f"machine.certSANs.[url={HIDDEN}]"),
    ],
)
def test_a_secret_that_names_a_deleted_element_is_hidden(field, element, path):
    [line] = lines_of([], [{"machine": {field: [{**element, "$patch": "delete"}]}}])
    assert line.startswith(f"{path}: (as generated) -> (deleted)") and "hunter" not in line


@pytest.mark.parametrize(
    "value", ["-----BEGIN ED25519 PRIVATE KEY-----\nabc", "https://user:hunter2@proxy", "c2VjcmV0" * 8]
)
def test_a_value_that_looks_like_a_secret_is_hidden_in_any_field(value):
    [line] = lines_of([], [{"machine": {"logging": {"anything": value}}}])
    assert value not in line and HIDDEN in line
    [line] = lines_of([], [{"machine": {"logging": {"anything": [{"deep": value}]}}}])
    assert "hunter2" not in line or value not in line


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (
            ("machine", "install", "image"),
            "factory.talos.dev/metal-installer/376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba:v1.12.0",
        ),
        (("cluster", "apiServer", "extraArgs", "anonymous-auth"), "false"),
        (("machine", "nodeLabels", "example.com/key"), "x"),
        (("machine", "features", "rbac"), True),
    ],
)
def test_a_value_that_is_not_secret_is_shown(path, value):
    assert not secret(path, value)


def test_a_text_that_is_not_yaml_is_refused_without_quoting_it():
    with pytest.raises(ValueError, match=r"^the machine config can't be read: it is not YAML in line 2$"):
        parse("a: [hunter2")


values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.text("ab", max_size=3),
    lambda inner: st.dictionaries(st.text("xyz", min_size=1, max_size=2), inner, max_size=3),
)
configs = st.lists(
    st.dictionaries(
        st.sampled_from(["machine", "cluster"]),
        st.dictionaries(st.text("xyz", min_size=1, max_size=2), values, max_size=3),
        min_size=1,
    ),
    max_size=3,
)


EMPTY = {("(none)", empty) for empty in ("{}", "[]", "null", "")}


@given(config=configs)
def test_a_config_does_not_differ_from_itself(config):
    text = yaml.safe_dump_all([merge(config).documents.get(LEGACY, {})])
    assert differences(merge(config), merge(config)) == []
    # A whole config is read as Talos writes it, which has no empty values.
    other = merge([merge(config).documents.get(LEGACY, {})])
    assert [d for d in differences(parse(text), other) if (d.before, d.after) not in EMPTY] == []


@given(one=configs, other=configs)
def test_differences_in_the_other_direction_have_the_values_swapped(one, other):
    there, back = differences(merge(one), merge(other)), differences(merge(other), merge(one))
    assert [(d.path, d.before, d.after) for d in there] == [(d.path, d.after, d.before) for d in back]
    assert json.dumps([d.path for d in there])
