"""The rules of the pack as data, for documentation and reports."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypedDict

from policy.rules.exceptions import EXCEPTIONS

from .rules import RULES, Rule

# CIS Kubernetes Benchmark 1.12: section to its number of rows.
CIS_SECTIONS: Mapping[str, int] = {
    "1.1": 21,
    "1.2": 30,
    "1.3": 7,
    "1.4": 2,
    "2": 7,
    "3.1": 3,
    "3.2": 2,
    "4.1": 10,
    "4.2": 14,
    "4.3": 1,
    "5.1": 13,
    "5.2": 12,
    "5.3": 2,
    "5.4": 2,
    "5.5": 1,
    "5.6": 4,
}

# The first word of a rule's name to the address of its subject's documentation.
DOCS: Mapping[str, str] = {
    "account": "https://kubernetes.io/docs/concepts/security/service-accounts/",
    "apiserver": "https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/",
    "binding": "https://kubernetes.io/docs/concepts/security/rbac-good-practices/",
    "boot": "https://docs.siderolabs.com/talos/v1.12/reference/kernel",
    "cdi": "https://github.com/kubevirt/containerized-data-importer/tree/main/doc",
    "chart": "https://helm.sh/docs/topics/provenance/",
    "cilium": "https://docs.cilium.io/en/stable/installation/k8s-install-talos-linux/",
    "controller": "https://kubernetes.io/docs/reference/command-line-tools-reference/kube-controller-manager/",
    "credentials": "https://www.pulumi.com/docs/iac/concepts/secrets/",
    "disk": "https://github.com/kubevirt/containerized-data-importer/tree/main/doc",
    "etcd": "https://etcd.io/docs/latest/op-guide/security/",
    "kernel": "https://kspp.github.io/Recommended_Settings",
    "kubelet": "https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/",
    "kubevirt": "https://kubevirt.io/user-guide/",
    "namespace": "https://kubernetes.io/docs/concepts/security/pod-security-admission/",
    "network": "https://kubernetes.io/docs/concepts/services-networking/network-policies/",
    "object": "https://www.pulumi.com/registry/packages/kubernetes/",
    "plan": "https://www.pulumi.com/docs/iac/cli/commands/pulumi_preview/",
    "pod": "https://kubernetes.io/docs/concepts/security/pod-security-standards/",
    "provider": "https://www.pulumi.com/registry/packages/kubernetes/installation-configuration/",
    "role": "https://kubernetes.io/docs/concepts/security/rbac-good-practices/",
    "scheduler": "https://kubernetes.io/docs/reference/command-line-tools-reference/kube-scheduler/",
    "secret": "https://www.pulumi.com/docs/iac/concepts/secrets/",
    "service": "https://kubernetes.io/docs/concepts/services-networking/service/#external-ips",
    "talos": "https://docs.siderolabs.com/talos/v1.12/security/talos-default-hardening-and-cis-compliance",
    "vm": "https://kubevirt.io/user-guide/",
    "workload": "https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/",
}


class Entry(TypedDict):
    """One rule as the catalogue lists it."""

    name: str
    level: str
    severity: str
    why: str
    remedy: str
    controls: list[str]
    judges: list[str]
    exceptions: list[dict[str, str]]
    docs: str


def cis_ids() -> tuple[str, ...]:
    """The number of each row of the benchmark, such as 1.2.3."""
    return tuple(f"{section}.{row + 1}" for section, rows in CIS_SECTIONS.items() for row in range(rows))


def list_rules() -> list[Entry]:
    """Every rule, as plain data for JSON."""
    return [_entry(rule) for rule in RULES]


def cis_coverage() -> dict[str, list[str]]:
    """Rule names by row of the benchmark. Talos itself meets most rows that have no rule."""
    return {row: [rule.name for rule in RULES if f"CIS {row}" in rule.controls] for row in cis_ids()}


def _entry(rule: Rule) -> Entry:
    return {
        "name": rule.name,
        "level": rule.level,
        "severity": rule.severity,
        "why": rule.why,
        "remedy": rule.remedy,
        "controls": list(rule.controls),
        "judges": sorted(rule.kinds) or ["every resource"],
        "exceptions": [
            {"kind": e.kind, "namespace": e.namespace, "name": e.name, "reason": e.reason}
            for e in EXCEPTIONS
            if e.rule == rule.name
        ],
        "docs": DOCS[rule.name.partition("-")[0]],
    }


if __name__ == "__main__":
    print(json.dumps({"rules": list_rules(), "cis": cis_coverage()}, indent=2))
