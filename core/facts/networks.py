"""What addresses and networks are kept for, and how large Kubernetes' networks must be."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network

# Source: IANA's special-purpose address registries (RFC 6890); RFC 1112, RFC 3927, RFC 4291.
LINK_LOCAL = IPv6Network("fe80::/10")
"""IPv6 addresses of one link alone. Every link has one, and routers often announce theirs."""
# Source: siderolabs/talos, constants.HostDNSAddress and HostDNSAddressV6.
_KEPT = {
    ip_network(text): what
    for text, what in (
        ("0.0.0.0/8", "no host can have"),
        ("127.0.0.0/8", "are loopback: each computer reaches itself there"),
        ("169.254.0.0/16", "are link-local: no router passes them on, and Talos' own DNS answers at 169.254.116.108"),
        ("224.0.0.0/4", "are multicast"),
        ("240.0.0.0/4", "are reserved"),
        ("::/8", "are reserved, loopback among them"),
        ("fe80::/10", "are link-local: no router passes them on"),
        ("fd54:616c:6f73::/64", "Talos uses for its own DNS"),
        ("ff00::/8", "are multicast"),
    )
}

# Source: siderolabs/talos, constants.DefaultIPv4PodNet and DefaultIPv4ServiceNet.
DEFAULT_PODS, DEFAULT_SERVICES = "10.244.0.0/16", "10.96.0.0/12"
"""The networks of pods and of services where a config names none; a stack file that names none gets them too."""
# Source: kubernetes/kubernetes, pkg/controller/nodeipam: the defaults of node-cidr-mask-size-ipv4 and -ipv6.
NODE_PREFIX = {4: 24, 6: 64}
"""By IP version: the prefix of the network that the controller manager gives to each node, out of the pod network."""
# Source: kubernetes/kubernetes, pkg/controller/nodeipam/ipam/cidrset: at most 2^16 networks of nodes.
WIDEST_PODS = {4: 8, 6: 48}
"""By IP version: the shortest prefix of a pod network."""
# Source: kubernetes/kubernetes, cmd/kube-apiserver/app/options/validation.go: at least 8 and at most 2^20 addresses;
# siderolabs/talos, K8sNetworkConfig.DNSServiceIPs: the cluster's DNS has the tenth address.
SERVICES = {4: (12, 28), 6: (108, 124)}
"""By IP version: the shortest and the longest prefix of a service network."""


def kept_for(asked: IpAddress | IpNetwork) -> str | None:
    """What the range is kept for that an address is in or that a network overlaps, for messages; None: nothing.

    An example: "127.0.0.0/8, whose addresses are loopback: …".
    """
    network = asked if isinstance(asked, IPv4Network | IPv6Network) else ip_network(asked)
    for kept, what in _KEPT.items():
        if kept.version == network.version and kept.overlaps(network):
            return f"{kept}, whose addresses {what}"
    return None


def ends(network: IpNetwork) -> dict[IpAddress, str]:
    """The addresses of a network that no host can have: address (key) to what it is, for messages.

    Networks of two addresses or of one have none. IPv6 has no broadcast address.
    """
    if network.max_prefixlen - network.prefixlen < 2:
        return {}
    if network.version == 6:
        return {network.network_address: "the routers' own address"}
    return {network.network_address: "the network address", network.broadcast_address: "the broadcast address"}


def host_prefix(address: IpAddress) -> str:
    """An address as a network of its own: 192.168.10.5/32."""
    return f"{address}/{address.max_prefixlen}"
