"""Namespaces that are closed to the network, and the policies that open some of their ports."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

Profile = Literal["baseline", "restricted"]


def closed_namespace(name: str, profile: Profile) -> tuple[dict[str, Any], dict[str, Any]]:
    """The Namespace with its pod security profile, and the NetworkPolicy that denies all traffic into it."""
    guard = {"enforce": profile, "audit": "restricted", "warn": "restricted"}
    labels = {f"pod-security.kubernetes.io/{mode}": level for mode, level in guard.items()}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    return namespace, _policy("default-deny", name, {"podSelector": {}, "policyTypes": ["Ingress"]})


def allow_ports_policy(name: str, namespace: str, pods: Mapping[str, str], ports: Iterable[int]) -> dict[str, Any]:
    """The NetworkPolicy by which anyone may reach these TCP ports of the pods with these labels."""
    return _policy(
        f"{name}-ports",
        namespace,
        {
            "podSelector": {"matchLabels": dict(pods)},
            "policyTypes": ["Ingress"],
            "ingress": [{"ports": [{"protocol": "TCP", "port": port} for port in sorted(ports)]}],
        },
    )


def _policy(name: str, namespace: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": dict(spec),
    }
