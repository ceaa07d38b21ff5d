"""The approver of kubelets' serving certificates, as Kubernetes objects.

A kubelet requests its serving certificate from the cluster, and nothing in Kubernetes approves such a request by
itself. The approver is alex1989hu/kubelet-serving-cert-approver; arguments, ports and permissions are those of its own
manifest.
"""

from collections.abc import Iterator
from typing import Any

from core.facts.node_labels import CONTROL_PLANE
from core.model import Platform

from .restricted import container_security, pod_security, spread_over_nodes

NAMESPACE = "kubelet-certificates"
NAME = "kubelet-certificate-approver"
_LABELS = {"app.kubernetes.io/name": NAME}
_RBAC = "rbac.authorization.k8s.io"
# The user of the approver's own manifest; it owns no file of the image.
_USER = 65534


def approver(platform: Platform) -> Iterator[dict[str, Any]]:
    """Account, permissions and Deployment, each after the objects that it needs."""
    replicas = min(2, len(platform.controlplanes))
    account = _metadata()
    yield {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account, "automountServiceAccountToken": False}
    yield from _granted("Cluster", _RIGHTS)
    if replicas > 1:
        yield from _granted("", _ELECTION)
    yield _deployment(platform, replicas)


_RIGHTS = [
    {
        "apiGroups": ["certificates.k8s.io"],
        "resources": ["certificatesigningrequests"],
        "verbs": ["get", "list", "watch"],
    },
    {"apiGroups": ["certificates.k8s.io"], "resources": ["certificatesigningrequests/approval"], "verbs": ["update"]},
    # For this signer only: its certificates serve a kubelet's API, and no API accepts them from a client.
    {
        "apiGroups": ["certificates.k8s.io"],
        "resources": ["signers"],
        "resourceNames": ["kubernetes.io/kubelet-serving"],
        "verbs": ["approve"],
    },
    {"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
]
# Of two replicas, one is the leader and works.
_ELECTION = [{"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create", "get", "update"]}]


def _metadata(namespace: str | None = NAMESPACE) -> dict[str, Any]:
    return {"name": NAME, **({"namespace": namespace} if namespace else {}), "labels": _LABELS}


def _granted(scope: str, rules: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A role with these rules and its binding: in the whole cluster, or in the approver's own namespace."""
    metadata = _metadata(None if scope else NAMESPACE)
    yield {"apiVersion": f"{_RBAC}/v1", "kind": f"{scope}Role", "metadata": metadata, "rules": rules}
    yield {
        "apiVersion": f"{_RBAC}/v1",
        "kind": f"{scope}RoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": _RBAC, "kind": f"{scope}Role", "name": NAME},
        "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}],
    }


def _deployment(platform: Platform, replicas: int) -> dict[str, Any]:
    election = ["--enable-leader-election"] if replicas > 1 else []
    container = {
        "name": "approver",
        "image": platform.talos.hardening.approver,
        "imagePullPolicy": "IfNotPresent",
        "args": ["serve", *election],
        "env": [{"name": "NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}],
        "ports": [{"name": "health", "containerPort": 8080, "protocol": "TCP"}],
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": "health"}, "initialDelaySeconds": 6},
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "health"}, "periodSeconds": 3},
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "64Mi"}},
        "securityContext": container_security(),
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(),
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": _LABELS},
            "template": {
                "metadata": {"labels": _LABELS},
                "spec": {
                    "serviceAccountName": NAME,
                    "automountServiceAccountToken": True,
                    "priorityClassName": "system-cluster-critical",
                    # Root on its node could approve requests in its name; root on a control plane owns the cluster
                    # anyway.
                    "nodeSelector": {CONTROL_PLANE: ""},
                    "tolerations": [{"key": key, "operator": "Exists"} for key in _taints(platform)],
                    "containers": [container],
                    "securityContext": pod_security(_USER),
                    "topologySpreadConstraints": spread_over_nodes(_LABELS),
                },
            },
        },
    }


def _taints(platform: Platform) -> list[str]:
    """The taints of control planes: Talos' own, and those of the stack file."""
    return sorted({CONTROL_PLANE, *(key for name in platform.controlplanes for key in platform.machines[name].taints)})
