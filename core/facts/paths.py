"""Paths of files on a Talos machine."""

# Source: siderolabs/talos pkg/machinery/constants, KubernetesAPIServerSecretsDir, and the CA that Talos writes there.
CLUSTER_CA = "/system/secrets/kubernetes/kube-apiserver/ca.crt"
"""The certificate of the cluster's CA, on every control plane."""
