"""The layers of a platform, each built from what the layers beneath it made."""

from .config import Stack, load
from .kubernetes import (
    KubeletCertificates,
    KubeletCertificatesArgs,
    Kubernetes,
    KubernetesArgs,
    Namespace,
    NamespaceArgs,
)
from .metal import Metal, MetalArgs
from .network import Cilium, CiliumArgs
from .snapshots import Snapshots, SnapshotsArgs
from .talos import Talos, TalosArgs
from .virtualization import KubeVirt, KubeVirtArgs, Vm, VmArgs
from .workloads import Workload, WorkloadArgs

__all__ = [
    "Cilium",
    "CiliumArgs",
    "KubeVirt",
    "KubeVirtArgs",
    "KubeletCertificates",
    "KubeletCertificatesArgs",
    "Kubernetes",
    "KubernetesArgs",
    "Metal",
    "MetalArgs",
    "Namespace",
    "NamespaceArgs",
    "Snapshots",
    "SnapshotsArgs",
    "Stack",
    "Talos",
    "TalosArgs",
    "Vm",
    "VmArgs",
    "Workload",
    "WorkloadArgs",
    "load",
]
