"""Rules judge the whole configuration of a machine, so that a section deleted around a setting is seen, too."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from core.machineconfig.base import base_texts
from core.machineconfig.documents import patches
from policy.rules.rule import Resource
from tests.effective.platforms import DELETE, document, patched
from tests.policy.good import GOOD
from tests.policy.support import RULE

CONTRACTS = ["v1.12", "v1.13", "v1.14"]
FIELDS, DOCUMENTS = "v1.13", "v1.14"
CP, WORKER = "cp-1", "wk-1"


def machine(name: str, *more: dict[str, Any], contract: str, stack: str = "prod") -> Resource:
    platform = patched(*more, contract=contract, stack=stack)
    base = base_texts(platform, platform.machines[name].role)
    return replace(GOOD["machine"], props={"base": base, "configPatches": [*patches(platform, name)]})


def complaints(resource: Resource) -> set[str]:
    return {name for name, rule in RULE.items() if rule.level == "mandatory" and [*rule.complaints(resource)]}


@pytest.mark.parametrize("contract", CONTRACTS)
@pytest.mark.parametrize(("stack", "name"), [("prod", CP), ("prod", WORKER), ("dev", CP)])
def test_the_stacks_machines_pass(stack: str, name: str, contract: str) -> None:
    assert complaints(machine(name, contract=contract, stack=stack)) == set()


API = {"cluster": {"apiServer": DELETE}}
# Contract, machine, patch, and the rules that must report it.
TAKEN_AWAY = {
    "all of the API server": (
        FIELDS,
        CP,
        API,
        "talos-admission-control-is-kept talos-audit-policy-is-kept apiserver-refuses-external-ips "
        "apiserver-tokens-expire kubelet-proves-who-it-is",
    ),
    "the API server's flags": (
        FIELDS,
        CP,
        {"cluster": {"apiServer": {"extraArgs": DELETE}}},
        "apiserver-refuses-external-ips apiserver-tokens-expire kubelet-proves-who-it-is",
    ),
    "one flag": (
        FIELDS,
        CP,
        {"cluster": {"apiServer": {"extraArgs": {"service-account-extend-token-expiration": DELETE}}}},
        "apiserver-tokens-expire",
    ),
    "all of the cluster": (FIELDS, CP, {"cluster": DELETE}, "talos-admission-control-is-kept"),
    "the key of Secrets with the cluster": (FIELDS, CP, {"cluster": DELETE}, "talos-encrypts-secrets-at-rest"),
    "all of the kubelet": (
        FIELDS,
        WORKER,
        {"machine": {"kubelet": DELETE}},
        "talos-seccomp-default-is-on kubelet-limits-pids kubelet-proves-who-it-is",
    ),
    "the kubelet's settings": (
        FIELDS,
        WORKER,
        {"machine": {"kubelet": {"extraConfig": DELETE}}},
        "kubelet-limits-pids kubelet-proves-who-it-is",
    ),
    "all of the features": (FIELDS, WORKER, {"machine": {"features": DELETE}}, "talos-kubeprism-is-on"),
    "the API server's document": (
        DOCUMENTS,
        CP,
        document("KubeAPIServerConfig", **DELETE),
        "apiserver-refuses-external-ips apiserver-tokens-expire kubelet-proves-who-it-is",
    ),
    "the flags of the document": (
        DOCUMENTS,
        CP,
        document("KubeAPIServerConfig", extraArgs=DELETE),
        "apiserver-refuses-external-ips apiserver-tokens-expire",
    ),
    "the kubelet's document": (
        DOCUMENTS,
        WORKER,
        document("KubeletConfig", **DELETE),
        "talos-seccomp-default-is-on kubelet-limits-pids",
    ),
    "the audit policy": (DOCUMENTS, CP, document("KubeAuditPolicyConfig", **DELETE), "talos-audit-policy-is-kept"),
    "Pod Security": (
        DOCUMENTS,
        CP,
        document("KubeAdmissionControlConfig", name="PodSecurity", **DELETE),
        "talos-admission-control-is-kept",
    ),
    "an authorizer": (
        DOCUMENTS,
        CP,
        document("KubeAuthorizerConfig", name="rbac", **DELETE),
        "apiserver-has-both-authorizers",
    ),
    "KubePrism": (DOCUMENTS, WORKER, document("KubePrismConfig", **DELETE), "talos-kubeprism-is-on"),
    "the network's section": (
        FIELDS, CP, {"cluster": {"network": DELETE}}, "talos-leaves-network-to-cilium"),
    "the CNI's section": (
        FIELDS, CP, {"cluster": {"network": {"cni": DELETE}}}, "talos-leaves-network-to-cilium"),
    "the CNI's name": (
        FIELDS, CP, {"cluster": {"network": {"cni": {"name": DELETE}}}}, "talos-leaves-network-to-cilium"),
    "the switch of kube-proxy": (
        FIELDS, CP, {"cluster": {"proxy": {"disabled": DELETE}}}, "talos-leaves-network-to-cilium"),
    "the network with the cluster": (FIELDS, CP, {"cluster": DELETE}, "talos-leaves-network-to-cilium"),
    "the switch of kube-proxy's document": (
        DOCUMENTS, CP, document("KubeProxyConfig", enabled=DELETE), "talos-leaves-network-to-cilium"),
    "the disk": (FIELDS, CP, {"machine": {"install": {"diskSelector": DELETE}}}, "talos-installer-is-pinned"),
    "the installation": (FIELDS, CP, {"machine": {"install": DELETE}}, "talos-installer-is-pinned"),
    "the disk of the document": (
        DOCUMENTS, CP, document("UnattendedInstallConfig", provisioning=DELETE), "talos-installer-is-pinned"),
    "the installation's document": (
        DOCUMENTS, CP, document("UnattendedInstallConfig", **DELETE), "talos-installer-is-pinned"),
    "the encryption of STATE": (
        FIELDS, CP, document("VolumeConfig", name="STATE", encryption=DELETE), "talos-state-key-is-not-static"),
    "the volume STATE": (
        FIELDS, CP, document("VolumeConfig", name="STATE", **DELETE), "talos-state-key-is-not-static"),
    "the encryption of pods' data": (
        DOCUMENTS, WORKER, document("VolumeConfig", name="EPHEMERAL", encryption=DELETE),
        "talos-state-key-is-not-static"),
    "the firewall": (
        DOCUMENTS, WORKER, document("NetworkDefaultActionConfig", **DELETE), "talos-firewall-blocks-by-default"),
    "the firewall's action": (
        FIELDS, WORKER, document("NetworkDefaultActionConfig", ingress=DELETE), "talos-firewall-blocks-by-default"),
}  # fmt: skip


@pytest.mark.parametrize("case", TAKEN_AWAY)
def test_a_patch_that_takes_a_setting_away_is_reported(case: str) -> None:
    contract, name, patch, rules = TAKEN_AWAY[case]
    assert set(rules.split()) <= complaints(machine(name, patch, contract=contract))


# Contract, patch, and the rule that must report it.
GIVEN: dict[str, tuple[str, dict[str, Any], str]] = {
    "manifests of a cloud": (
        FIELDS, {"cluster": {"externalCloudProvider": {"enabled": True, "manifests": ["https://a.example.com/b"]}}},
        "talos-hides-no-manifests"),
    "a second network": (FIELDS, {"cluster": {"network": {"cni": {"name": "flannel"}}}},
        "talos-leaves-network-to-cilium"),
    "flannel's document": (DOCUMENTS, document("KubeFlannelCNIConfig"), "talos-leaves-network-to-cilium"),
    "debug": (FIELDS, {"debug": True}, "talos-does-not-debug"),
    "no time": (DOCUMENTS, document("TimeSyncConfig", enabled=False), "talos-keeps-time"),
    "a parameter of the kernel": (FIELDS, {"machine": {"sysctls": {"kernel/kptr_restrict": "0"}}},
        "kernel-sysctls-are-kept"),
    "another role for pods": (FIELDS,
        {"machine": {"features": {"kubernetesTalosAPIAccess": {"enabled": True, "allowedRoles": ["os:admin"]}}}},
        "talos-api-is-not-for-pods"),
    "another role in the document": (DOCUMENTS, document("KubeTalosAPIAccessConfig", allowedRoles=["os:admin"]),
        "talos-api-is-not-for-pods"),
    "a registry that is not verified": (DOCUMENTS,
        document("RegistryTLSConfig", name="r.example.com", insecureSkipVerify=True), "talos-registries-are-verified"),
    "a mirror without TLS": (FIELDS,
        document("RegistryMirrorConfig", name="r.example.com", endpoints=[{"url": "http://a.example.com"}]),
        "talos-mirrors-use-tls"),
    "a key beside STATE": (FIELDS,
        document("VolumeConfig", name="STATE", encryption={"keys": [{"slot": 1, "static": {"passphrase": "a"}}]}),
        "talos-state-key-is-not-static"),
    **{
        f"another authority of {owner} ({contract})": (contract, patch, "talos-trusts-its-own-authorities")
        for owner, contract, patch in (
            ("Talos", FIELDS, {"machine": {"acceptedCAs": [{"crt": "YQ=="}]}}),
            ("Talos", DOCUMENTS, {"machine": {"acceptedCAs": [{"crt": "YQ=="}]}}),
            ("Kubernetes", FIELDS, {"cluster": {"acceptedCAs": [{"crt": "YQ=="}]}}),
            ("Kubernetes", DOCUMENTS, document("KubeAPIServerCAConfig", acceptedCAs=["a"])),
            ("aggregated APIs", DOCUMENTS, document("KubeAggregatorCAConfig", acceptedCAs=["a"])),
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("case", GIVEN)
def test_a_patch_that_sets_what_no_machine_may_have_is_reported(case: str) -> None:
    contract, patch, rule = GIVEN[case]
    assert rule in complaints(machine(CP, patch, contract=contract))


@pytest.mark.parametrize("rule", sorted({rule for _, _, rule in GIVEN.values()}))
def test_a_rule_reports_the_base_as_it_reports_a_patch(rule: str) -> None:
    """A rule that read the patches alone would miss what Talos' generator of a later contract writes by default."""
    for contract, patch, reported in GIVEN.values():
        if reported == rule and "$patch" not in str(patch):
            found = machine(CP, contract=contract)
            base = [*found.props["base"], json.dumps(patch)]
            # Bedplate's own documents set some of these again.
            own = [text for text in found.props["configPatches"] if not _same(json.loads(text), patch)]
            assert rule in complaints(replace(found, props={"base": base, "configPatches": own})), patch


def _same(text: dict[str, Any], patch: dict[str, Any]) -> bool:
    return (text.get("kind"), text.get("name")) == (patch.get("kind"), patch.get("name"))


# Component and field, the flag as a patch spells it, a bad value, the rule, and a good value.
SPELLED = {
    "an underscore": ("apiServer", "anonymous_auth", "true", "apiserver-no-anonymous-requests", "false"),
    "two dashes": ("apiServer", "--profiling", "true", "apiserver-no-profiling", "false"),
    "a truth value": ("controllerManager", "profiling", True, "controller-manager-no-profiling", False),
    "a number": ("apiServer", "audit_log_maxage", 7, "apiserver-keeps-audit-age", 30),
    "a list": ("apiServer", "audit-log-maxage", ["90", "7"], "apiserver-keeps-audit-age", ["90"]),
    "a list of numbers": ("apiServer", "audit-log-maxage", [7], "apiserver-keeps-audit-age", [90]),
    "a list of truth values": ("scheduler", "profiling", [True], "scheduler-no-profiling", [False]),
    "a list with an underscore": (
        "apiServer", "enable_admission_plugins", ["AlwaysAdmit"], "apiserver-admits-by-checks", ["NodeRestriction"]),
}  # fmt: skip
KINDS = {
    "apiServer": "KubeAPIServerConfig",
    "controllerManager": "KubeControllerManagerConfig",
    "scheduler": "KubeSchedulerConfig",
}


@pytest.mark.parametrize("contract", [FIELDS, DOCUMENTS])
@pytest.mark.parametrize("case", SPELLED)
def test_a_flag_is_found_however_it_is_spelled(case: str, contract: str) -> None:
    part, flag, bad, rule, good = SPELLED[case]
    for value, reported in ((bad, True), (good, False)):
        arguments = {"extraArgs": {flag: value}}
        patch = {"cluster": {part: arguments}} if contract == FIELDS else document(KINDS[part], **arguments)
        assert (rule in complaints(machine(CP, patch, contract=contract))) is reported


@pytest.mark.parametrize("contract", [FIELDS, DOCUMENTS])
def test_another_spelling_of_a_kubelets_flag_is_found(contract: str) -> None:
    arguments = {"extraArgs": {"tls_cert_file": "/var/own.crt", "event_qps": -1}}
    patch = {"machine": {"kubelet": arguments}} if contract == FIELDS else document("KubeletConfig", **arguments)
    found = complaints(machine(WORKER, patch, contract=contract))
    assert {"kubelet-proves-who-it-is", "kubelet-records-events"} <= found


@pytest.mark.parametrize("contract", [FIELDS, DOCUMENTS])
def test_static_pods_that_no_rule_checks_are_reported(contract: str) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}
    patch = {"machine": {"pods": [pod]}} if contract == FIELDS else document("KubeStaticPodConfig", name="a", pod=pod)
    assert "talos-hides-no-manifests" in complaints(machine(WORKER, patch, contract=contract))
