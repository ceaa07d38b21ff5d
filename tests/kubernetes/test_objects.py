"""Manifests as resources."""

import pytest

from components.kubernetes import key, token


@pytest.mark.parametrize(
    ("version", "kind", "expected"),
    [
        ("v1", "Namespace", "kubernetes:core/v1:Namespace"),
        ("apps/v1", "Deployment", "kubernetes:apps/v1:Deployment"),
        ("kubevirt.io/v1", "VirtualMachine", "kubernetes:kubevirt.io/v1:VirtualMachine"),
    ],
)
def test_the_type_is_what_the_provider_calls_it(version, kind, expected):
    assert token({"apiVersion": version, "kind": kind}) == expected


def test_two_kinds_of_one_name_do_not_meet():
    assert key({"kind": "Role", "metadata": {"name": "x"}}) != key({"kind": "RoleBinding", "metadata": {"name": "x"}})
