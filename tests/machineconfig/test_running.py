"""What a running cluster keeps: read from a config of any contract, and compared with the stack file."""

import pytest
from conftest import changed

from core.machineconfig import running
from core.model import parse
from tests.machineconfig.contracts import at

PROD = {
    "endpoint": "https://10.20.0.10:6443",
    "issuer": "https://10.20.0.10:6443",
    "pods": "10.244.0.0/16",
    "services": "10.96.0.0/16",
}


@pytest.mark.parametrize("contract", ["v1.12", "v1.13", "v1.14"])
def test_the_settings_are_read_from_a_config_of_each_contract(prod, contract):
    assert running.declared(at(contract, prod)) == PROD


def test_a_config_without_networks_has_talos_defaults():
    config = [{"cluster": {"controlPlane": {"endpoint": "https://k8s.example.com:6443"}}}]
    assert running.settings(config) == {
        "endpoint": "https://k8s.example.com:6443",
        "issuer": "https://k8s.example.com:6443",
        "pods": "10.244.0.0/16",
        "services": "10.96.0.0/12",
    }


@pytest.mark.parametrize("value", ["https://old.example.com", ["https://old.example.com", "https://10.20.0.10:6443"]])
def test_an_issuer_of_ones_own_is_the_issuer(value):
    """Of several, new tokens name the first."""
    config = [
        {
            "cluster": {
                "controlPlane": {"endpoint": "https://10.20.0.10:6443"},
                "apiServer": {"extraArgs": {"service-account-issuer": value}},
            }
        }
    ]
    assert running.settings(config)["issuer"] == "https://old.example.com"


def test_an_issuer_is_read_from_the_document_that_contract_v114_has_for_it(prod):
    own = {"apiVersion": "v1alpha1", "kind": "KubeServiceAccountConfig", "issuer": {"issuerURL": "https://old.example"}}
    flag = {
        "apiVersion": "v1alpha1",
        "kind": "KubeAPIServerConfig",
        "extraArgs": {"service-account-issuer": "https://a"},
    }
    assert running.settings([own])["issuer"] == "https://old.example"
    assert running.settings([own, flag])["issuer"] == "https://a"
    moved = parse(changed(prod, {"talos.contract": "v1.14", "talos.patches": [own]}))
    assert running.declared(moved)["issuer"] == "https://old.example"


def test_both_ip_versions_are_one_text(prod):
    dual = {
        "network.nodes": ["10.20.0.0/24", "fd00:20::/64"],
        "network.pods": ["10.244.0.0/16", "fd00:244::/56"],
        "network.services": ["10.96.0.0/16", "fd00:96::/112"],
    }
    assert running.declared(parse(changed(prod, dual)))["pods"] == "10.244.0.0/16, fd00:244::/56"


@pytest.mark.parametrize(
    ("edit", "key"),
    [
        ({"network.endpoint": "10.20.0.9"}, "endpoint"),
        ({"network.endpoint": "k8s.prod.example.com", "network.vip": "10.20.0.10"}, "endpoint"),
        ({"network.endpoint": "192.168.99.5:443"}, "endpoint"),
        ({"network.pods": "10.240.0.0/16"}, "pods"),
        ({"network.services": "10.97.0.0/16"}, "services"),
    ],
)
def test_each_change_is_told_and_can_be_accepted(prod, edit, key):
    now = parse(changed(prod, edit))
    [(field, problem)] = running.changes(PROD, running.declared(now), running.accepted(now))
    assert field == key and f"accept_change: {{{key}: " in problem
    accepted = parse(changed(prod, {**edit, f"network.accept_change.{key}": edit[f"network.{key}"]}))
    assert list(running.changes(PROD, running.declared(accepted), running.accepted(accepted))) == []
    other = parse(changed(prod, {**edit, "network.accept_change": {"endpoint": "other.example.com"}}))
    assert [field for field, _ in running.changes(PROD, running.declared(other), running.accepted(other))] == [key]


def test_an_endpoint_may_change_where_the_issuer_stays(prod):
    """Tokens that pods have are then still those of the API."""
    keeps = {"cluster": {"apiServer": {"extraArgs": {"service-account-issuer": "https://10.20.0.10:6443"}}}}
    now = parse(changed(prod, {"network.endpoint": "192.168.99.5", "talos.patches": [keeps]}))
    assert list(running.changes(PROD, running.declared(now), {})) == []


@pytest.mark.parametrize("before", [{}, PROD, {"endpoint": "HTTPS://10.20.0.10:6443/", "issuer": PROD["issuer"]}])
def test_what_stays_or_was_never_recorded_is_no_change(prod, before):
    assert list(running.changes(before, running.declared(parse(prod)), {})) == []
