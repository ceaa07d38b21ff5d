"""Container applications."""

from dataclasses import dataclass

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, Resource, ResourceOptions

from components.kubernetes import KubernetesObject, opened
from core import model
from core.manifests import workload as application


@dataclass(frozen=True, kw_only=True)
class WorkloadArgs:
    workload: model.WorkloadSpec
    kubernetes: k8s.Provider
    namespace: Resource
    """What makes its namespace closed."""


class Workload(ComponentResource):
    """One container application: its Deployment, and where it has a port its Service and the way in."""

    deployment: KubernetesObject

    def __init__(self, name: str, args: WorkloadArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("bedplate:workloads:Workload", f"workload-{name}", None, opts)
        want = args.workload
        child = ResourceOptions(parent=self, provider=args.kubernetes, depends_on=[args.namespace])
        self.deployment = KubernetesObject(f"workload-{name}", application.deployment(name, want), child)
        if want.port:
            KubernetesObject(f"workload-{name}-service", application.service(name, want), child)
            way_in = opened(name, want.namespace, {application.LABEL: name}, (want.port,))
            KubernetesObject(f"workload-{name}-ports", way_in, child)
        self.register_outputs({})
