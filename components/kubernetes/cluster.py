"""What every layer in a cluster is made with."""

from dataclasses import dataclass

from pulumi import Resource, ResourceOptions

from core.model import Platform

from .api import Kubernetes


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A platform's cluster: its API, and the network that its pods and policies need."""

    platform: Platform
    api: Kubernetes
    """The API, once it answers."""
    network: Resource
    """Done once the network works: a policy has no effect before Cilium enforces it."""

    def options(self, parent: Resource, *depends_on: Resource) -> ResourceOptions:
        """Options of an object in this cluster."""
        return ResourceOptions(parent=parent, provider=self.api.provider, depends_on=list(depends_on))
