"""Machine configs compared by document and field, without a secret in the result."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from core.facts.containerd import PART
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


def moved(before, after):
    """Document and path of each difference that only moves, with where its value stands on the other side."""
    return {f"{d.document} {d.path}".strip(): d.moved for d in differences(merge(before), merge(after)) if d.moved}


@pytest.mark.parametrize(
    ("before", "after", "places"),
    [
        (
            {"machine": {"nodeLabels": {"a.b/c": "x"}}},
            {"kind": "KubeNodeConfig", "labels": {"a.b/c": "x"}},
            ("machine.nodeLabels.a.b/c", "KubeNodeConfig: labels.a.b/c"),
        ),
        (
            {"machine": {"install": {"wipe": False}}},
            {"kind": "UnattendedInstallConfig", "provisioning": {"wipe": False}},
            ("machine.install.wipe", "UnattendedInstallConfig: provisioning.wipe"),
        ),
        (
            {"cluster": {"apiServer": {"certSANs": ["a", "b"]}}},
            {"kind": "KubeAPIServerConfig", "certExtraSANs": ["a", "b"]},
            ("cluster.apiServer.certSANs", "KubeAPIServerConfig: certExtraSANs"),
        ),
        (
            {"machine": {"env": {"NO_PROXY": "hunter2"}}},
            {"kind": "EnvironmentConfig", "variables": {"NO_PROXY": "hunter2"}},
            ("machine.env.NO_PROXY", "EnvironmentConfig: variables.NO_PROXY"),
        ),
        (
            {"cluster": {"apiServer": {"admissionControl": [{"name": "P", "configuration": {"a": 1, "b": []}}]}}},
            {"kind": "KubeAdmissionControlConfig", "name": "P", "configuration": {"a": 1, "b": []}},
            ("cluster.apiServer.admissionControl", "KubeAdmissionControlConfig P"),
        ),
        (
            {"machine": {"files": [{"path": PART, "op": "create", "permissions": 0o644, "content": "hunter2"}]}},
            {"kind": "CRICustomizationConfig", "name": "x", "content": "hunter2"},
            ("machine.files", "CRICustomizationConfig x: content"),
        ),
    ],
)
def test_an_equal_value_of_the_document_that_replaces_a_field_is_marked(before, after, places):
    field, place = places
    marks = moved([before], [after])
    assert marks[field] == place
    document = place.partition(":")[0]
    assert marks[f"{document} the document"] == field
    assert {text for name, text in marks.items() if name != field} == {field}
    assert moved([after], [before]) == {}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # Another value, also where both are hidden, or differ only behind what is shown.
        ({"machine": {"nodeLabels": {"a": "x"}}}, {"kind": "KubeNodeConfig", "labels": {"a": "y"}}),
        ({"machine": {"env": {"A": "hunter1"}}}, {"kind": "EnvironmentConfig", "variables": {"A": "hunter2"}}),
        (
            {"machine": {"nodeAnnotations": {"a": "x" * 500 + "1"}}},
            {"kind": "KubeNodeConfig", "annotations": {"a": "x" * 500 + "2"}},
        ),
        # True is not 1.
        ({"machine": {"features": {"kubePrism": {"port": 1}}}}, {"kind": "KubePrismConfig", "port": True}),
        # Another field, and a document that doesn't replace the field.
        ({"machine": {"nodeLabels": {"a": "x"}}}, {"kind": "KubeNodeConfig", "labels": {"b": "x"}}),
        ({"machine": {"nodeLabels": {"a": "x"}}}, {"kind": "KubeletConfig", "labels": {"a": "x"}}),
        ({"machine": {"kubelet": {"nodeIP": {"a": "x"}}}}, {"kind": "KubeletConfig", "nodeIP": {"a": "x"}}),
        # Another file, and the same one with another content.
        (
            {"machine": {"files": [{"path": "/var/x", "content": "hunter2"}]}},
            {"kind": "CRICustomizationConfig", "name": "x", "content": "hunter2"},
        ),
        (
            {"machine": {"files": [{"path": PART, "content": "hunter1"}]}},
            {"kind": "CRICustomizationConfig", "name": "x", "content": "hunter2"},
        ),
        # One element of the list of two has no document.
        (
            {"cluster": {"apiServer": {"admissionControl": [{"name": n, "configuration": {"a": 1}} for n in "PQ"]}}},
            {"kind": "KubeAdmissionControlConfig", "name": "P", "configuration": {"a": 1}},
        ),
    ],
)
def test_a_value_that_differs_in_its_new_place_does_not_move(before, after):
    assert moved([before], [after]) == {}


def test_a_value_that_moves_and_also_stays_is_a_difference():
    before = {"machine": {"nodeLabels": {"a": "x"}}}
    assert moved([before], [before, {"kind": "KubeNodeConfig", "labels": {"a": "x"}}]) == {}


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
