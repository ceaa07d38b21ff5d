"""Container applications."""

from dataclasses import dataclass

from pulumi import ComponentResource, Resource, ResourceOptions

from components.aliases import formerly
from components.kubernetes import Cluster, KubernetesObject
from core.manifests import workload as manifests
from core.manifests.namespace import allow_ports_policy
from core.model import WorkloadSpec


@dataclass(frozen=True, kw_only=True)
class WorkloadArgs:
    """The cluster, one application of the stack file, and what it depends on."""

    cluster: Cluster
    workload: WorkloadSpec
    namespace: Resource
    """The policy that closes its namespace."""


class Workload(ComponentResource):
    """One container application: its Deployment and, if it has a port, its Service and the policy that opens it."""

    deployment: KubernetesObject
    """The Deployment object."""

    def __init__(self, name: str, args: WorkloadArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("bedplate:workloads:Workload", f"workload-{name}", None, opts)
        want = args.workload
        child = args.cluster.options(self, args.namespace)
        self.deployment = KubernetesObject(f"workload-{name}", manifests.deployment(name, want), child)
        if want.port:
            service = formerly(child, name=f"workload-{name}-service")
            KubernetesObject(f"workload-{name}", manifests.service(name, want), service)
            policy = allow_ports_policy(name, want.namespace, {manifests.LABEL: name}, (want.port,))
            KubernetesObject(f"workload-{name}-ports", policy, child)
        self.register_outputs({})
