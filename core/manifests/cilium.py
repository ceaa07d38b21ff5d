"""Cilium's Helm values, and the objects that it needs besides its chart."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from core.facts.ports import KUBEPRISM
from core.model import Platform
from core.model.ranges import AddressRange

# Without SYS_MODULE, because Talos forbids pods to load kernel modules.
# Source: Talos documentation, Kubernetes guides, deploying Cilium.
AGENT_CAPABILITIES = (
    "CHOWN",
    "KILL",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "SYS_ADMIN",
    "SYS_RESOURCE",
    "DAC_OVERRIDE",
    "FOWNER",
    "SETGID",
    "SETUID",
)
HOSTNAME = "kubernetes.io/hostname"
CLEAN_CAPABILITIES = ("NET_ADMIN", "SYS_ADMIN", "SYS_RESOURCE")

# Networks in which no link of a machine has an address: Cilium serves node ports at addresses in these alone.
# Source: cilium/cilium, Documentation/network/kubernetes/kubeproxy-free.rst, nodePort.addresses.
_NOWHERE = ("127.0.0.0/8", "::1/128")


def values(platform: Platform) -> dict[str, Any]:
    """The chart's values, a YAML document, for Cilium on Talos with KubeVirt on top."""
    want = platform.cilium
    chart: dict[str, Any] = {
        "ipam": {"mode": "kubernetes"},
        "kubeProxyReplacement": True,
        # KubePrism serves the Kubernetes API on every machine, also before Cilium has created any service.
        "k8sServiceHost": "localhost",
        "k8sServicePort": KUBEPRISM,
        # Talos mounts cgroup v2 itself. The key is camelCase: Helm would ignore `automount`.
        "cgroup": {"autoMount": {"enabled": False}, "hostRoot": "/sys/fs/cgroup"},
        "securityContext": {
            "capabilities": {"ciliumAgent": list(AGENT_CAPABILITIES), "cleanCiliumState": list(CLEAN_CAPABILITIES)}
        },
        # Services must be reachable from inside VMs, which do not use sockets of the host (cilium#14563).
        "socketLB": {"hostNamespaceOnly": True},
        # Otherwise Cilium renames the config of a second CNI, which disables it.
        "cni": {"exclusive": False},
        # The default creates new certificates whenever the chart is rendered, so every plan would show a change
        # (cilium#36012).
        "hubble": {"enabled": want.hubble, "relay": {"enabled": want.hubble}, "tls": {"auto": {"method": "cronJob"}}},
        "operator": {"replicas": 2 if platform.migratable else 1, "rollOutPods": True},
        # Agents read their settings when they start: otherwise a change would wait for each machine's next restart.
        "rollOutCiliumPods": True,
    }
    # Cilium handles these packets before the firewall of Talos sees them, so only Cilium can close node ports.
    chart["nodePort"] = {"addresses": [*map(str, want.node_ports)] or list(_NOWHERE)}
    versions = {network.version for network in platform.network.pods}
    if 6 in versions:
        chart["ipv6"] = {"enabled": True}
    if 4 not in versions:
        chart |= {"ipv4": {"enabled": False}, "underlayProtocol": "ipv6"}
    if want.mtu:
        chart["MTU"] = want.mtu
    if want.encryption == "wireguard":
        chart["encryption"] = {"enabled": True, "type": "wireguard", "nodeEncryption": True}
    if want.load_balancer:
        chart["l2announcements"] = {"enabled": True}
        # Each announced service renews a lease, and the default limits are too low for that.
        chart["k8sClientRateLimit"] = {"qps": 50, "burst": 100}
    return _merged(chart, want.values)


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    both = {
        key: _merged(below[key], above[key])
        for key in below
        if isinstance(below[key], Mapping) and isinstance(above.get(key), Mapping)
    }
    return {**below, **above, **both}


def announcements(platform: Platform) -> Iterator[dict[str, Any]]:
    """The pool of addresses for services of type LoadBalancer, and the policy by which nodes announce them."""
    balancer = platform.cilium.load_balancer
    if balancer is None:
        return
    yield {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumLoadBalancerIPPool",
        "metadata": {"name": "nodes"},
        "spec": {"blocks": [{"start": str(pool.first), "stop": str(pool.last)} for pool in balancer.pool]},
    }
    yield {
        "apiVersion": "cilium.io/v2alpha1",
        "kind": "CiliumL2AnnouncementPolicy",
        "metadata": {"name": "nodes"},
        "spec": {"loadBalancerIPs": True, **_announcers(platform, balancer.pool)},
    }


def _announcers(platform: Platform, pools: Iterable[AddressRange]) -> dict[str, Any]:
    """The nodes that may announce the pools: those in their networks. Every node, if all of them are."""
    net = platform.network
    near = {net.of(pool.first) for pool in pools}
    names = [name for name, m in platform.machines.items() if any(net.of(a) in near for a in m.addresses)]
    # Addresses that routers announce are not in the stack file.
    if not names or len(names) == len(platform.machines):
        return {}
    return {"nodeSelector": {"matchExpressions": [{"key": HOSTNAME, "operator": "In", "values": names}]}}
