"""The namespaces that belong to the cluster itself."""

from . import snapshots

# Source: Kubernetes documentation, "Namespaces"; KubeVirt's operator manifest; core/manifests for the others.
RESERVED = frozenset(
    {
        "default",
        "kube-system",
        "kube-public",
        "kube-node-lease",
        "kubelet-certificates",
        "kubevirt",
        snapshots.NAMESPACE,
    }
)
"""Namespaces in which no VM and no workload of a stack file may run."""
