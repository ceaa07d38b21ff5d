"""The pack's exceptions: one object and one rule each.

An exception never covers a namespace, because it would also cover every later workload there.
A test fails for each exception that none of the platform's own objects needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Exempt:
    """One object that one rule does not judge, with the reason."""

    rule: str
    kind: str
    namespace: str  # empty for cluster-scoped objects
    name: str
    reason: str


_CLUSTER_ROLE = "rbac.authorization.k8s.io:ClusterRole"
_ROLE = "rbac.authorization.k8s.io:Role"
OPERATOR = (_CLUSTER_ROLE, "", "kubevirt-operator")
CDI_OPERATOR = (_CLUSTER_ROLE, "", "cdi-operator-cluster")
CDI_OPERATOR_AT_HOME = (_ROLE, "cdi", "cdi-operator")

MULTUS = ("apps:DaemonSet", "multus", "multus")

EXCEPTIONS: tuple[Exempt, ...] = (
    Exempt(
        "namespace-is-not-privileged",
        "core:Namespace",
        "",
        "kubevirt",
        "virt-handler, which the operator starts here, is privileged and mounts the kubelet's directories",
    ),
    Exempt(
        "role-reads-no-secrets",
        _ROLE,
        "kubevirt",
        "kubevirt-operator",
        "the operator creates and renews the certificates of KubeVirt's components as Secrets of this namespace",
    ),
    Exempt(
        "role-approves-no-certificates",
        _CLUSTER_ROLE,
        "",
        "kubelet-certificate-approver",
        "it approves kubelets' serving certificates; without them the API server can't verify a kubelet",
    ),
    Exempt(
        "role-has-no-wildcard",
        *OPERATOR,
        "it must have the rights that it grants, and its components watch every kind of their own groups",
    ),
    Exempt(
        "role-makes-no-pods",
        *OPERATOR,
        "virt-controller, to which it grants this, creates a launcher pod for each guest",
    ),
    Exempt("role-enters-no-pods", *OPERATOR, "it runs commands in launcher pods while it updates them"),
    Exempt(
        "role-changes-no-webhooks",
        *OPERATOR,
        "KubeVirt validates its own kinds with webhooks that the operator installs",
    ),
    Exempt(
        "namespace-is-not-privileged",
        "core:Namespace",
        "",
        "local-path-storage",
        "the pods that make a folder for each volume, which the provisioner starts here, mount a path of their machine",
    ),
    Exempt(
        "role-makes-no-volumes",
        _CLUSTER_ROLE,
        "",
        "local-path-provisioner",
        "it is what a storage class provisions volumes with",
    ),
    Exempt(
        "role-makes-no-pods",
        _ROLE,
        "local-path-storage",
        "local-path-provisioner",
        "it makes and removes each volume's folder with a pod on the volume's machine",
    ),
    Exempt(
        "role-has-no-wildcard",
        *CDI_OPERATOR,
        "it must have the rights that it grants, and CDI's controller manages every kind of its own groups",
    ),
    Exempt(
        "role-makes-no-pods",
        *CDI_OPERATOR,
        "CDI's controller, to which it grants this, fills each disk with a pod",
    ),
    Exempt(
        "role-changes-no-webhooks",
        *CDI_OPERATOR,
        "CDI validates its own kinds with webhooks that the operator installs",
    ),
    Exempt(
        "role-reads-no-secrets",
        *CDI_OPERATOR_AT_HOME,
        "the operator creates and renews the certificates of CDI's components as Secrets of this namespace",
    ),
    Exempt(
        "role-makes-no-pods",
        *CDI_OPERATOR_AT_HOME,
        "the operator installs CDI's components, and its controller the jobs that look for newer images",
    ),
    Exempt(
        "namespace-is-not-privileged",
        "core:Namespace",
        "",
        "multus",
        "Multus, which runs here, connects pods to bridges of their machine as root of the machine",
    ),
    Exempt("pod-is-not-privileged", *MULTUS, "it enters the network namespace of each pod and runs CNI plugins there"),
    Exempt("pod-does-not-escalate", *MULTUS, "it is privileged, and Kubernetes refuses a privileged pod that may not"),
    Exempt("pod-drops-capabilities", *MULTUS, "it enters network namespaces and connects links of the machine"),
    Exempt("pod-runs-as-non-root", *MULTUS, "CNI plugins run as root, as the container runtime runs them"),
    Exempt("pod-has-own-network", *MULTUS, "it starts before the pod network, and links of the machine are connected"),
    Exempt("pod-mounts-no-node-path", *MULTUS, "its socket, the CNI plugins and the pods' namespaces are there"),
)

_EXEMPT = {(e.rule, e.kind, e.namespace, e.name): e for e in EXCEPTIONS}
_RULES = {e.rule for e in EXCEPTIONS}


def excused(rule: str, resource: Any) -> Exempt | None:
    """The exception that covers this rule and resource, or None."""
    if rule not in _RULES or not resource.type.startswith("kubernetes:"):
        return None
    return _EXEMPT.get((rule, resource.kind, resource.namespace, resource.object_name))
