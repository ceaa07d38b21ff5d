"""Kubelets that prove who they are, by certificates that the cluster signs."""

from dataclasses import dataclass

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, Resource, ResourceOptions

from core.manifests.approver import NAMESPACE, approver
from core.model import Platform

from .namespace import Namespace, NamespaceArgs
from .objects import KubernetesObject, key


@dataclass(frozen=True, kw_only=True)
class KubeletCertificatesArgs:
    platform: Platform
    kubernetes: k8s.Provider
    network: Resource
    """What makes the cluster's network stand: the approver's pods need it."""


class KubeletCertificates(ComponentResource):
    """The approver of kubelets' requests, object by object, in a closed namespace of its own.

    Before it runs, nodes are Ready and pods run; `kubectl logs` and `exec` fail. So nothing waits for it.
    """

    def __init__(self, name: str, args: KubeletCertificatesArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("bedplate:kubernetes:KubeletCertificates", name, None, opts)
        space = NamespaceArgs(profile="restricted", kubernetes=args.kubernetes, network=args.network)
        closed = Namespace(NAMESPACE, space, ResourceOptions(parent=self)).closed
        before: list[Resource] = [closed]
        for manifest in approver(args.platform):
            child = ResourceOptions(parent=self, provider=args.kubernetes, depends_on=list(before))
            made = KubernetesObject(f"{name}-{key(manifest)}", manifest, child)
            if manifest["kind"] != "Deployment":
                before.append(made)
        self.register_outputs({})
