"""Which values of Cilium's chart a stack file may set besides those that Bedplate sets."""

# Source: core/manifests/cilium.py, values; a test holds the two together.
OWNED: dict[str, str] = {
    "ipam": "network.pods",
    "ipv4": "network.pods",
    "ipv6": "network.pods",
    "underlayProtocol": "network.pods",
    "MTU": "cilium.mtu",
    "kubeProxyReplacement": "Bedplate",
    "k8sServiceHost": "Bedplate",
    "k8sServicePort": "Bedplate",
    "cgroup": "Bedplate",
    "securityContext": "Bedplate",
    "socketLB.hostNamespaceOnly": "Bedplate",
    "cni.exclusive": "Bedplate",
    "hubble.enabled": "cilium.hubble",
    "hubble.relay.enabled": "cilium.hubble",
    "hubble.tls": "cilium.hubble",
    "operator.replicas": "Bedplate",
    "operator.rollOutPods": "Bedplate",
    "rollOutCiliumPods": "Bedplate",
    "encryption": "cilium.encryption",
    "l2announcements": "cilium.load_balancer",
    "nodePort.addresses": "cilium.node_ports",
}
"""Dotted path of a value to what sets it. What is below such a path is set there too."""

# Source: cilium/cilium, install/kubernetes/cilium/values.yaml at 1.19 and 1.20.
REFUSED: dict[str, str] = {
    "extraArgs": "arguments of the agent override every other value",
    "extraConfig": "it overrides every other value",
    "extraEnv": "environment variables of the agent override every other value",
    "extraVolumes": "it gives the agent other folders of the host",
    "extraVolumeMounts": "it gives the agent other folders of the host",
    "extraHostPathMounts": "it gives the agent other folders of the host",
    "extraContainers": "they run with the agent's rights",
    "extraInitContainers": "they run with the agent's rights",
    "nodeinit": "its script changes the host, which Talos does not allow",
    "override": "the chart names an image by its digest",
    "tag": "the chart names an image by its digest",
    "digest": "the chart names an image by its digest",
    "useDigest": "the chart names an image by its digest",
    "policyAuditMode": "network policies would be logged and not enforced",
}
"""Key at any depth to the reason why a stack file can't set it."""
