"""The layers of a platform, each built from the outputs of the layer before."""

from .config import Stack, load
from .kubernetes import (
    Cluster,
    KubeletCertificates,
    Kubernetes,
    KubernetesArgs,
    Namespace,
    NamespaceArgs,
    Nodes,
    NodesArgs,
)
from .metal import Metal, MetalArgs
from .network import Cilium, CiliumArgs
from .snapshots import Snapshots
from .storage import volumes
from .talos import Talos, TalosArgs
from .virtualization import KubeVirt, Vm, VmArgs, beneath
from .workloads import Workload, WorkloadArgs

__all__ = [
    "Cilium",
    "CiliumArgs",
    "Cluster",
    "KubeVirt",
    "KubeletCertificates",
    "Kubernetes",
    "KubernetesArgs",
    "Metal",
    "MetalArgs",
    "Namespace",
    "NamespaceArgs",
    "Nodes",
    "NodesArgs",
    "Snapshots",
    "Stack",
    "Talos",
    "TalosArgs",
    "Vm",
    "VmArgs",
    "Workload",
    "WorkloadArgs",
    "beneath",
    "load",
    "volumes",
]
