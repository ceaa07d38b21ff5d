"""The ports on which a machine of the platform itself listens."""

from dataclasses import dataclass


@dataclass(frozen=True)
class OwnPort:
    """A port of the platform's own, and who must reach it besides the machines."""

    name: str
    owner: str
    """Whose port it is, for messages: "Hubble"."""
    ports: str
    """One port, or a range such as 2379-2380."""
    protocol: str = "tcp"
    everywhere: bool = True
    """Open on workers too, and not on control planes alone."""
    pods: bool = False
    """Pods must reach it."""
    admins: bool = False
    """People must reach it."""


# Source: Talos documentation, KubePrism (machine.features.kubePrism.port).
KUBEPRISM = 7445
"""Port of the local load balancer for the Kubernetes API, on 127.0.0.1 of every machine."""

# Source: Talos documentation, ingress firewall.
TALOS_API = 50000
"""Port of the Talos API (apid) on every machine."""
# Source: Kubernetes documentation, "Ports and Protocols".
KUBERNETES_API = 6443
"""Port of the Kubernetes API on every control plane."""
# Source: the same.
KUBELET = 10250
"""Port of the kubelet on every machine."""

# Source: Talos documentation, ingress firewall.
TALOS = (
    OwnPort("apid", "the Talos API", str(TALOS_API), admins=True),
    OwnPort("trustd", "Talos' certificate service", "50001", everywhere=False),
    OwnPort("etcd", "etcd", "2379-2380", everywhere=False),
    # The service `kubernetes` forwards pods to the control planes' own addresses.
    OwnPort("kubernetes-api", "the Kubernetes API", str(KUBERNETES_API), everywhere=False, pods=True, admins=True),
    OwnPort("kubelet", "the kubelet", str(KUBELET), pods=True),
)
"""Ports of Talos and Kubernetes."""
# Source: Talos documentation, "Talos API access from Kubernetes": the snapshot jobs are pods that call apid.
SNAPSHOTS = OwnPort("apid-pods", "the Talos API", str(TALOS_API), everywhere=False, pods=True)
"""The Talos API, opened to pods where the cluster takes its own etcd snapshots."""
# Source: cilium/cilium, Documentation/operations/system_requirements.rst.
CILIUM = (
    OwnPort("cilium-health", "Cilium's health check", "4240", pods=True),
    OwnPort("cilium-tunnel", "Cilium's tunnel", "8472", "udp"),
)
"""Ports of every Cilium installation."""
# Source: the same.
WIREGUARD = OwnPort("cilium-wireguard", "Cilium's encryption", "51871", "udp")
"""WireGuard between nodes."""
# Source: the same.
HUBBLE = OwnPort("hubble", "Hubble", "4244", pods=True)
"""Hubble's server on each node."""
