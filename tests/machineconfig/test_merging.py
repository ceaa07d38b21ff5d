"""Each rule of the merge by example, and no patch that ends in a traceback. test_merge.py compares it with Talos."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.machineconfig.merge import LEGACY, merge


def doc(kind, **fields):
    return {"apiVersion": "v1alpha1", "kind": kind, **fields}


def machine(**fields):
    return {"machine": fields}


@pytest.mark.parametrize(
    ("patches", "result"),
    [
        ([machine(udev={"rules": ["a"]}), machine(udev={"rules": ["b"]})], machine(udev={"rules": ["a", "b"]})),
        ([machine(udev={"rules": ["a"]}), machine(udev={"rules": []})], machine(udev={"rules": ["a"]})),
        ([machine(env={"a": "x"}), machine(env={"a": "", "b": ""})], machine(env={"a": "x", "b": ""})),
        ([machine(env={"a": "x"}), machine(env={"a": None})], machine(env={"a": "x"})),
        ([machine(features={"rbac": True}), machine(features={"rbac": False})], machine(features={"rbac": False})),
        # A text may be written as a number: "0" is not empty. A count may not.
        ([machine(sysctls={"a": "1"}), machine(sysctls={"a": 0})], machine(sysctls={"a": 0})),
        (
            [machine(features={"kubePrism": {"port": 1}}), machine(features={"kubePrism": {"port": 0}})],
            machine(features={"kubePrism": {"port": 1}}),
        ),
        # Replaced fields, and free content.
        (
            [
                {"cluster": {"apiServer": {"auditPolicy": {"a": [1]}}}},
                {"cluster": {"apiServer": {"auditPolicy": {"b": [2]}}}},
            ],
            {"cluster": {"apiServer": {"auditPolicy": {"b": [2]}}}},
        ),
        (
            [{"cluster": {"network": {"podSubnets": ["a"]}}}, {"cluster": {"network": {"podSubnets": ["b"]}}}],
            {"cluster": {"network": {"podSubnets": ["b"]}}},
        ),
        (
            [
                machine(kubelet={"extraConfig": {"n": 1, "l": [1]}}),
                machine(kubelet={"extraConfig": {"n": 0, "l": [2]}}),
            ],
            machine(kubelet={"extraConfig": {"n": 1, "l": [1, 2]}}),
        ),
        # Lists whose elements have a name.
        (
            [
                machine(network={"interfaces": [{"interface": "a", "mtu": 1, "vlans": [{"vlanId": 5, "mtu": 2}]}]}),
                machine(
                    network={
                        "interfaces": [
                            {"interface": "a", "dhcp": True, "vlans": [{"vlanId": 5, "dhcp": True}]},
                            {"interface": "b"},
                        ]
                    }
                ),
            ],
            machine(
                network={
                    "interfaces": [
                        {"interface": "a", "mtu": 1, "dhcp": True, "vlans": [{"vlanId": 5, "mtu": 2, "dhcp": True}]},
                        {"interface": "b"},
                    ]
                }
            ),
        ),
        (
            [
                {"cluster": {"apiServer": {"admissionControl": [{"name": "P", "configuration": {"a": 1}}]}}},
                {"cluster": {"apiServer": {"admissionControl": [{"name": "P", "configuration": {"b": 2}}]}}},
            ],
            {"cluster": {"apiServer": {"admissionControl": [{"name": "P", "configuration": {"a": 1, "b": 2}}]}}},
        ),
        # Deletes, at every level that Talos takes.
        ([machine(udev={"rules": ["a"]}, type="worker"), machine(udev={"$patch": "delete"})], machine(type="worker")),
        (
            [
                machine(udev={"rules": ["a"]}),
                machine(udev={"rules": {"$patch": "delete"}}),
                machine(udev={"rules": ["b"]}),
            ],
            machine(udev={"rules": ["b"]}),
        ),
        (
            [machine(files=[{"path": "a"}, {"path": "b"}]), machine(files=[{"path": "a", "$patch": "delete"}])],
            machine(files=[{"path": "b"}]),
        ),
        (
            [
                {"cluster": {"controlPlane": {"endpoint": "https://a:1/p"}}},
                {"cluster": {"controlPlane": {"endpoint": "https://b"}}},
            ],
            {"cluster": {"controlPlane": {"endpoint": "https://b/p"}}},
        ),
    ],
)
def test_the_document_of_machine_and_cluster(patches, result):
    merged = merge(patches)
    assert merged.documents == {LEGACY: result} and merged.refused == ()


@pytest.mark.parametrize(
    ("patches", "result"),
    [
        (
            [
                doc("LinkConfig", name="a", mtu=1),
                doc("LinkConfig", name="b", mtu=2),
                doc("LinkConfig", name="a", up=True),
            ],
            [doc("LinkConfig", name="a", mtu=1, up=True), doc("LinkConfig", name="b", mtu=2)],
        ),
        ([doc("LinkConfig", name="a"), doc("LinkConfig", name="a") | {"$patch": "delete"}], []),
        (
            [
                doc("LinkConfig", name="a", mtu=1),
                doc("LinkConfig", name="a") | {"$patch": "delete"},
                doc("LinkConfig", name="a", up=True),
            ],
            [doc("LinkConfig", name="a", up=True)],
        ),
        (
            [
                doc("NetworkRuleConfig", name="a", portSelector={"ports": [1], "protocol": "tcp"}),
                doc("NetworkRuleConfig", name="a", portSelector={"ports": [2]}),
            ],
            [doc("NetworkRuleConfig", name="a", portSelector={"ports": [2], "protocol": "tcp"})],
        ),
        # The zero of a count, of a pointer to one, of a word, of a duration.
        (
            [doc("LinkConfig", name="a", mtu=1), doc("LinkConfig", name="a", mtu=0)],
            [doc("LinkConfig", name="a", mtu=1)],
        ),
        (
            [doc("BondConfig", name="a", miimon=1), doc("BondConfig", name="a", miimon=0)],
            [doc("BondConfig", name="a", miimon=0)],
        ),
        (
            [doc("NetworkDefaultActionConfig", ingress="block"), doc("NetworkDefaultActionConfig", ingress="accept")],
            [doc("NetworkDefaultActionConfig", ingress="block")],
        ),
        (
            [doc("WatchdogTimerConfig", timeout="1m"), doc("WatchdogTimerConfig", timeout="0s")],
            [doc("WatchdogTimerConfig", timeout="1m")],
        ),
        # Fields that a patch resets because it sets their mapping without them.
        (
            [
                doc("VolumeConfig", name="a", provisioning={"minSize": "1GB", "grow": True}),
                doc("VolumeConfig", name="a"),
            ],
            [doc("VolumeConfig", name="a", provisioning={"grow": True})],
        ),
        (
            [
                doc("VolumeConfig", name="a", provisioning={"maxSize": "1GB"}),
                doc("VolumeConfig", name="a", provisioning={"maxSize": "50%"}),
            ],
            [doc("VolumeConfig", name="a", provisioning={"maxSize": "1GB"})],
        ),
        (
            [
                doc("ExtensionServiceConfig", name="a", configFiles=[{"mountPath": "p", "content": "x"}]),
                doc("ExtensionServiceConfig", name="a", configFiles=[{"mountPath": "p", "content": "y"}]),
            ],
            [doc("ExtensionServiceConfig", name="a", configFiles=[{"mountPath": "p", "content": "y"}])],
        ),
    ],
)
def test_documents_of_a_kind(patches, result):
    merged = merge(patches)
    assert list(merged.documents.values()) == result and merged.refused == ()


def test_two_releases_merge_some_fields_differently():
    flags = [{"cluster": {"apiServer": {"extraArgs": {"a": value}}}} for value in ("x", "")]
    domains = [doc("ResolverConfig", searchDomains={"domains": [value]}) for value in ("a", "b")]
    assert merge(flags, (1, 12)).documents[LEGACY] == flags[0] and merge(flags, (1, 14)).documents[LEGACY] == flags[1]
    assert [
        merge(domains, release).documents["ResolverConfig", ""]["searchDomains"]["domains"]
        for release in ((1, 12), (1, 14))
    ] == [["a", "b"], ["b"]]


def test_deletions_from_the_unknown_base_are_kept_in_the_result():
    merged = merge([machine(udev={"$patch": "delete"}), doc("LinkConfig", name="a") | {"$patch": "delete"}])
    assert merged.documents == {}
    assert merged.deleted == {(LEGACY, ("machine", "udev")), (("LinkConfig", "a"), ())}


@pytest.mark.parametrize(
    ("patches", "problem"),
    [
        ([[]], "is not a mapping"),
        ([{}], "is empty"),
        ([{"version": "v1alpha1"}], "is empty"),
        ([{"$patch": "delete"}], "deletes all of machine: and cluster:"),
        ([machine(files=[{"$patch": "delete"}])], "can't tell which"),
        ([machine(files=[{"path": "a", "x": {"$patch": "delete"}}])], "inside an element of a list"),
        ([machine(a=[{"b": [{"c": "d", "$patch": "delete"}]}])], "inside an element of a list"),
        ([machine(a=[{"b": 1, "$patch": "delete"}])], "by b, which is not a string"),
        ([machine(ca={"crt": "a", "key": "b"}), machine(ca={"key": {"$patch": "delete"}})], "delete both"),
        ([machine(pods=[{"a": "b"}]), machine(pods=[{"a": "b", "$patch": "delete"}])], "of free content"),
        ([machine(kubelet={"extraConfig": {"a": 1}}), machine(kubelet={"extraConfig": {"a": "1"}})], "of another type"),
        ([machine(kubelet={"extraConfig": {"a": 1}}), machine(kubelet={"extraConfig": {"a": None}})], "has null"),
        (
            [machine(install={"diskSelector": {"size": "1GB"}}), machine(install={"diskSelector": {"size": "2GB"}})],
            "the size of the install disk",
        ),
        ([{"cluster": {"controlPlane": {"endpoint": "https://hunter2@a"}}}] * 2, "a URL with a user"),
    ],
)
def test_a_patch_that_talos_refuses_is_reported_and_left_out(patches, problem):
    merged = merge([doc("LinkConfig", name="a"), *patches])
    assert [(refused.patch, problem in refused.problem) for refused in merged.refused] == [(len(patches), True)]
    assert "hunter2" not in merged.refused[0].problem and ("LinkConfig", "a") in merged.documents


NAMES = """
    machine cluster kind name $patch interfaces network apiServer extraArgs controlPlane endpoint admissionControl
    auditPolicy provisioning maxSize minSize configFiles rules
"""
names = st.sampled_from(NAMES.split())
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(["delete", "VolumeConfig", "http://["]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(values, max_size=5))
def test_no_patch_ends_in_a_traceback(patches):
    merged = merge(patches)
    assert all(0 <= refused.patch < len(patches) for refused in merged.refused)


def test_merging_changes_no_patch():
    first, second = machine(udev={"rules": ["a"]}), machine(udev={"rules": ["b"]})
    merge([first, second, second])
    assert (first, second) == (machine(udev={"rules": ["a"]}), machine(udev={"rules": ["b"]}))
