"""The namespaces that belong to the cluster itself."""

# Source: Bedplate's own choice; Talos lets this namespace alone request an etcd snapshot.
ETCD_SNAPSHOTS = "etcd-snapshots"
"""Where the jobs run that save etcd."""

# Source: Kubernetes documentation, "Namespaces"; KubeVirt's operator manifest; core/manifests for the others.
RESERVED = frozenset(
    {"default", "kube-system", "kube-public", "kube-node-lease", "kubelet-certificates", "kubevirt", ETCD_SNAPSHOTS}
)
"""Namespaces in which no VM and no workload of a stack file may run."""
