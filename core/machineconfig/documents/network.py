"""Name servers and time servers, and the subnets in which a machine's own address is."""

from collections.abc import Iterator, Set

from core.facts.networks import host_prefix
from core.model import Platform

from .document import Document, by_documents, document


def node_subnets(platform: Platform) -> list[str]:
    """The subnets of a node's addresses, as Talos takes them: the node networks without the API's virtual IP.

    Of the IP versions of the services alone: the API server listens where its services are, and Talos puts a node's
    IPv4 address first.
    """
    versions = {network.version for network in platform.network.services}
    return [*_networks(platform, versions), *_without(platform, versions)]


def member_subnets(platform: Platform) -> list[str]:
    """The subnets of an etcd member's one address. Not the virtual IP: it moves, and a member keeps its address."""
    versions = {platform.network.services[0].version}
    return [*_networks(platform, versions), *_without(platform, versions)]


def _networks(platform: Platform, versions: Set[int]) -> list[str]:
    return [text for text, version in platform.node_subnets.items() if version in versions]


def _without(platform: Platform, versions: Set[int]) -> list[str]:
    vip = platform.vip
    return [f"!{host_prefix(vip)}"] if vip and vip.version in versions else []


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
