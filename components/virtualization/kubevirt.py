"""KubeVirt: the cluster learns what a virtual machine is."""

from dataclasses import dataclass

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, Resource, ResourceOptions

from components.kubernetes import KubernetesObject, key
from core.manifests.kubevirt import kubevirt, operator
from core.model import Platform


@dataclass(frozen=True, kw_only=True)
class KubeVirtArgs:
    platform: Platform
    kubernetes: k8s.Provider
    network: Resource
    """What makes the cluster's network stand: the operator's pods need it."""


class KubeVirt(ComponentResource):
    """The operator, object by object, and the KubeVirt object that it acts on."""

    installed: KubernetesObject
    """Available once VMs can run."""

    def __init__(self, name: str, args: KubeVirtArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("bedplate:virtualization:KubeVirt", name, None, opts)
        assert args.platform.kubevirt is not None
        version = args.platform.kubevirt.version
        child = ResourceOptions(parent=self, provider=args.kubernetes, depends_on=[args.network])
        namespace, *rest = operator(version)
        first = KubernetesObject(f"{name}-{key(namespace)}", namespace, child)
        child.depends_on = [first]
        objects = [KubernetesObject(f"{name}-{key(manifest)}", manifest, child) for manifest in rest]
        child.depends_on = objects
        self.installed = KubernetesObject(f"{name}-kubevirt", kubevirt(args.platform), child)
        self.register_outputs({"version": version})
