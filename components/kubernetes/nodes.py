"""The Nodes of a platform's machines: what Talos can't set there is set, and all of it is read back."""

from collections.abc import Mapping
from dataclasses import dataclass

from pulumi import ComponentResource, Input, Resource, ResourceOptions

from components.native import ContractResource
from core.machineconfig.node import node_settings
from core.model import Platform
from core.native.kubernetes import NODE_SETTINGS

# Talos sends its labels and annotations some seconds after the kubelet has registered the Node. A Node that registers
# later than its machine is configured waits for images from a slow mirror.
NODE_SETTINGS_TIMEOUT_SECONDS = 900


@dataclass(frozen=True, kw_only=True)
class NodesArgs:
    """The platform, its API, and its machines."""

    platform: Platform
    kubeconfig: Input[str]
    """The administrator's kubeconfig, once the API answers."""
    after: Mapping[str, Resource]
    """Machine to what is done once it has its config."""


class Nodes(ComponentResource):
    """One resource for each Node that is to show labels, taints or annotations. Nothing depends on them."""

    def __init__(self, name: str, args: NodesArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("bedplate:kubernetes:Nodes", name, None, opts)
        for machine, configured in args.after.items():
            after = ResourceOptions(parent=self, depends_on=[configured])
            NodeSettings(f"{name}-{machine}", args.platform, machine, args.kubeconfig, after)
        self.register_outputs({})


class NodeSettings(ContractResource):
    """Sets what a worker's kubelet may not, and waits until the Node shows all that is declared for it."""

    def __init__(
        self, name: str, platform: Platform, machine: str, kubeconfig: Input[str], opts: ResourceOptions
    ) -> None:
        wanted = node_settings(platform, machine)
        values = {
            "node": machine,
            "labels": wanted.labels,
            "taints": wanted.taints,
            "annotations": wanted.annotations,
            "notByKubelet": list(wanted.not_by_kubelet),
            "kubeletMayTaint": wanted.kubelet_may_taint,
            "kubeconfig": kubeconfig,
            "timeoutSeconds": NODE_SETTINGS_TIMEOUT_SECONDS,
        }
        super().__init__(NODE_SETTINGS, name, values, opts)
