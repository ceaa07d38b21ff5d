"""The namespaces that belong to the cluster itself."""

from . import golden, multus, snapshots, storage

# Source: Kubernetes documentation, "Namespaces"; KubeVirt's operator manifest; core/manifests for the others.
RESERVED = frozenset(
    {
        "default",
        "kube-system",
        "kube-public",
        "kube-node-lease",
        "kubelet-certificates",
        "kubevirt",
        "cdi",
        "cilium",
        golden.NAMESPACE,
        multus.NAMESPACE,
        snapshots.NAMESPACE,
        storage.NAMESPACE,
    }
)
"""Namespaces in which no VM and no workload of a stack file may run."""
# Source: Kubernetes documentation, "Namespaces": the prefix kube- is reserved; Cilium's chart makes cilium-secrets.
_PREFIXES = ("kube-", "cilium-", "kubevirt-", "cdi-")


def is_reserved(name: str) -> bool:
    """Whether a namespace belongs to the cluster itself."""
    return name in RESERVED or name.startswith(_PREFIXES)
