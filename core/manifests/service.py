"""The Service by which others reach a VM."""

from typing import Any

from core.model import VirtualMachineSpec

from .namespace import split_port
from .objects import LABEL

# Source: Cilium documentation, "LoadBalancer IP Address Management", requesting IPs.
_ADDRESS = "lbipam.cilium.io/ips"


def service(name: str, vm: VirtualMachineSpec) -> dict[str, Any]:
    """The manifest of an exposed VM's Service: of the cluster, or with an address of the load balancer."""
    assert vm.expose is not None
    wanted = vm.expose.load_balancer
    # A VM that is stopped, or whose disk is still being filled, has no endpoint to wait for.
    annotations = {"pulumi.com/skipAwait": "true"}
    if wanted and wanted is not True:
        annotations[_ADDRESS] = str(wanted)
    spec: dict[str, Any] = {"selector": {LABEL: name}, "ports": [_port(*split_port(port)) for port in vm.ports]}
    if wanted:
        # Node ports are closed, so none is taken.
        spec |= {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False}
    else:
        spec["type"] = "ClusterIP"
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": name,
            "namespace": vm.namespace,
            "labels": {LABEL: name},
            "annotations": annotations,
        },
        "spec": spec,
    }


def _port(protocol: str, number: int) -> dict[str, Any]:
    name = f"{protocol.lower()}-{number}"
    return {"name": name, "port": number, "targetPort": number, "protocol": protocol}
