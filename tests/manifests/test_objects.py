"""Manifests as resources."""

import pytest

from core.manifests.namespace import allow_ports_policy, closed_namespace
from core.manifests.objects import former_name, object_name, token


@pytest.mark.parametrize(
    ("version", "kind", "expected"),
    [
        ("v1", "Namespace", "kubernetes:core/v1:Namespace"),
        ("apps/v1", "Deployment", "kubernetes:apps/v1:Deployment"),
        ("kubevirt.io/v1", "VirtualMachine", "kubernetes:kubevirt.io/v1:VirtualMachine"),
    ],
)
def test_the_type_token_is_the_providers(version, kind, expected):
    assert token({"apiVersion": version, "kind": kind}) == expected


def test_a_resource_is_named_after_its_object_and_has_its_earlier_name_as_alias():
    role = {"kind": "Role", "metadata": {"name": "operator"}}
    assert (object_name(role), former_name("kubevirt", role)) == ("operator", "kubevirt-role-operator")


def test_a_namespace_has_pod_security_and_denies_ingress():
    space, deny = closed_namespace("apps", "restricted")
    assert space["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert deny["spec"] == {"podSelector": {}, "policyTypes": ["Ingress"]}


def test_only_the_given_ports_are_opened():
    policy = allow_ports_policy("web", "apps", {"app": "web"}, (443, 80))
    assert policy["spec"]["podSelector"] == {"matchLabels": {"app": "web"}}
    assert policy["spec"]["ingress"] == [{"ports": [{"protocol": "TCP", "port": 80}, {"protocol": "TCP", "port": 443}]}]
