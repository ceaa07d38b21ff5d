"""Labels of Nodes: those with a meaning, and those that a worker's kubelet may set by the rules of the API."""

# Source: kubernetes/kubernetes, pkg/apis/core well-known labels and taints, node-role.kubernetes.io/control-plane.
CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
"""The label and the taint of a control plane's Node."""
# Source: the same, node.kubernetes.io/exclude-from-external-load-balancers.
NO_BALANCING = "node.kubernetes.io/exclude-from-external-load-balancers"
"""The label of a Node that announces no service of type LoadBalancer."""
# Source: Kubernetes documentation, Node Shutdowns, "Non-graceful node shutdown handling".
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
"""The taint with which Kubernetes deletes a node's pods and detaches its volumes at once, without its kubelet."""

# Source: kubernetes/kubernetes, plugin/pkg/admission/noderestriction/admission.go, getForbiddenLabels: a label of these
# domains, or of one beneath them, is refused unless it is listed below.
_KUBERNETES = ("kubernetes.io", "k8s.io")
# Source: kubernetes/kubelet, pkg/apis/well_known_labels.go.
_ALLOWED_DOMAINS = ("kubelet.kubernetes.io", "node.kubernetes.io")
_ALLOWED = frozenset(
    {
        "topology.kubernetes.io/zone",
        "topology.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region",
        "node.kubernetes.io/instance-type",
        "beta.kubernetes.io/instance-type",
    }
)
# Source: the same, and pkg/kubelet/kubelet_node_status.go: the kubelet sets these from what it finds, so Talos, which
# changes no label that another wrote, never sets another value.
OWN = frozenset(
    {
        "kubernetes.io/hostname",
        "kubernetes.io/os",
        "kubernetes.io/arch",
        "beta.kubernetes.io/os",
        "beta.kubernetes.io/arch",
    }
)
"""Labels that every kubelet sets itself."""


def is_forbidden(label: str) -> bool:
    """Whether the API refuses this label from a worker's kubelet, and with it the whole change of the Node."""
    domain = label.rpartition("/")[0]
    if label in _ALLOWED | OWN or not _within(domain, _KUBERNETES):
        return False
    # Those of node-restriction.kubernetes.io, which the API names apart, are among them.
    return not _within(domain, _ALLOWED_DOMAINS)


def _within(domain: str, domains: tuple[str, ...]) -> bool:
    return any(domain == each or domain.endswith(f".{each}") for each in domains)
