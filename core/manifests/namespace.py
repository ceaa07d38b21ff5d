"""Namespaces that are closed to the network, and the policies that open some of their ports."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

Profile = Literal["baseline", "restricted"]


def closed_namespace(name: str, profile: Profile) -> tuple[dict[str, Any], dict[str, Any]]:
    """The Namespace with its pod security profile, and the NetworkPolicy that denies all traffic into it."""
    guard = {"enforce": profile, "audit": "restricted", "warn": "restricted"}
    labels = {f"pod-security.kubernetes.io/{mode}": level for mode, level in guard.items()}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    return namespace, deny_all(name)


def deny_all(namespace: str) -> dict[str, Any]:
    """The manifest of the NetworkPolicy that denies all traffic into a namespace."""
    return policy("default-deny", namespace, {"podSelector": {}, "policyTypes": ["Ingress"]})


def allow_ports_policy(
    name: str, namespace: str, pods: Mapping[str, str], ports: Iterable[int | str]
) -> dict[str, Any]:
    """The NetworkPolicy by which anyone may reach these ports of the pods with these labels: 80 of TCP, 53/udp."""
    return policy(
        f"{name}-ports",
        namespace,
        {
            "podSelector": {"matchLabels": dict(pods)},
            "policyTypes": ["Ingress"],
            "ingress": [{"ports": [_port(number, kind) for kind, number in sorted(map(split_port, ports))]}],
        },
    )


def split_port(port: int | str) -> tuple[str, int]:
    """The protocol and the number of a port: 80 or 53/udp."""
    number, _, protocol = str(port).partition("/")
    return protocol.upper() or "TCP", int(number)


def _port(number: int, protocol: str) -> dict[str, Any]:
    return {"protocol": protocol, "port": number}


def policy(name: str, namespace: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest of a NetworkPolicy."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": dict(spec),
    }
