"""A machine's way to others: its link and address, and the servers that it asks for names and the time."""

from collections.abc import Iterator

from core.machineconfig import links
from core.model import MachineSpec, Platform

from .document import Document, by_documents, document


def node_subnets(platform: Platform) -> list[str]:
    """Where a machine's own address is found: the node network without the API's virtual IP."""
    return [str(platform.network.nodes), f"!{platform.network.endpoint}/32"]


def services(platform: Platform) -> Iterator[Document]:
    """Resolvers and time."""
    net = platform.network
    # Where Kubernetes is described by documents, so is the resolver that machines run for themselves and for pods.
    own = {"hostDNS": {"enabled": True, "forwardKubeDNSToHost": True}} if by_documents(platform) else {}
    named = {"nameservers": [{"address": str(a)} for a in net.resolvers]} if net.resolvers else {}
    if own or named:
        yield document("ResolverConfig", **named, **own)
    if net.time:
        yield document("TimeSyncConfig", enabled=True, ntp={"servers": list(net.time)})


def network(platform: Platform, machine: MachineSpec) -> Iterator[Document]:
    """The boot link with its address, and on control planes the API's virtual IP."""
    yield from links.documents(platform, machine)
