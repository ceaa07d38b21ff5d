"""Name servers and time servers, and the subnets in which a machine's own address is."""

from collections.abc import Iterator

from core.model import Platform

from .document import Document, by_documents, document


def node_subnets(platform: Platform) -> list[str]:
    """The subnets of a node's own address, as Talos takes them: the node network without the API's virtual IP."""
    return [str(platform.network.nodes), f"!{platform.network.endpoint}/32"]


def services(platform: Platform) -> Iterator[Document]:
    """DNS resolvers and time servers, the same on every machine."""
    net = platform.network
    # By documents, ResolverConfig also holds the DNS resolver that each machine runs for itself and its pods.
    host_dns = {"hostDNS": {"enabled": True, "forwardKubeDNSToHost": True}} if by_documents(platform) else {}
    servers = {"nameservers": [{"address": str(a)} for a in net.resolvers]} if net.resolvers else {}
    if host_dns or servers:
        yield document("ResolverConfig", **servers, **host_dns)
    if net.time:
        yield document("TimeSyncConfig", enabled=True, ntp={"servers": list(net.time)})
