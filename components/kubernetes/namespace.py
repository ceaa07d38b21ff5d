"""Namespaces that are closed until something is let in."""

from dataclasses import dataclass
from typing import Any, Literal

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, Resource, ResourceOptions

from .objects import KubernetesObject

Profile = Literal["baseline", "restricted"]


def closed_namespace(name: str, profile: Profile) -> list[dict[str, Any]]:
    """A namespace guarded by a pod security profile, and the policy that closes it to the network."""
    guard = {"enforce": profile, "audit": "restricted", "warn": "restricted"}
    labels = {f"pod-security.kubernetes.io/{mode}": level for mode, level in guard.items()}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}},
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "default-deny", "namespace": name},
            "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
        },
    ]


def opened(name: str, namespace: str, pods: dict[str, str], ports: tuple[int, ...]) -> dict[str, Any]:
    """The policy that lets others reach some TCP ports of the pods with these labels."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": f"{name}-ports", "namespace": namespace},
        "spec": {
            "podSelector": {"matchLabels": pods},
            "policyTypes": ["Ingress"],
            "ingress": [{"ports": [{"protocol": "TCP", "port": port} for port in sorted(ports)]}],
        },
    }


@dataclass(frozen=True, kw_only=True)
class NamespaceArgs:
    profile: Profile
    kubernetes: k8s.Provider
    network: Resource
    """What makes the cluster's network stand: a policy that nobody enforces is none."""


class Namespace(ComponentResource):
    """A namespace that is closed by default."""

    closed: KubernetesObject
    """The policy that closes it: what lives here waits for this."""

    def __init__(self, name: str, args: NamespaceArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("bedplate:kubernetes:Namespace", f"namespace-{name}", None, opts)
        space, deny = closed_namespace(name, args.profile)
        child = ResourceOptions(parent=self, provider=args.kubernetes, depends_on=[args.network])
        child.depends_on = [KubernetesObject(f"namespace-{name}", space, child)]
        self.closed = KubernetesObject(f"namespace-{name}-default-deny", deny, child)
        self.register_outputs({})
