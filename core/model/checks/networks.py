"""The networks of machines, pods and services: apart from each other, of the same IP versions, and large enough."""

from bisect import bisect_left
from collections.abc import Iterator

from core.facts.networks import NODE_PREFIX, SERVICES, WIDEST_PODS, IpNetwork
from core.facts.versions import minor
from core.model.faults import Fault, fault
from core.model.platform import Platform

from .registry import check

# Source: cilium/cilium#39648: services of IPv6 are announced from this minor on.
IPV6_FROM = (1, 19)


def networks(p: Platform) -> Iterator[tuple[str, IpNetwork]]:
    """Each network of the platform, and the key under `network` that has it."""
    for key in ("nodes", "pods", "services"):
        yield from ((key, network) for network in getattr(p.network, key))


class Overlaps:
    """The networks of a platform, to be asked for each machine's: asking every rack's would take longer than all else.

    Of two that overlap, one contains the other: it has the longer one's prefix, or starts within it.
    """

    def __init__(self, p: Platform) -> None:
        self.named = list(networks(p))
        self._by_prefix: dict[tuple[int, int, int], list[int]] = {}
        for place, (_, network) in enumerate(self.named):
            self._by_prefix.setdefault(_prefix(network, network.prefixlen), []).append(place)
        self._lengths = {(version, length) for version, length, _ in self._by_prefix}
        self._starts = sorted((n.version, int(n.network_address), place) for place, (_, n) in enumerate(self.named))

    def places(self, network: IpNetwork) -> list[int]:
        """The places in `named` of the networks that one overlaps, sorted."""
        around = [
            place
            for version, length in self._lengths
            if version == network.version and length <= network.prefixlen
            for place in self._by_prefix.get(_prefix(network, length), ())
        ]
        first, last = int(network.network_address), int(network.broadcast_address)
        within = self._starts[
            bisect_left(self._starts, (network.version, first, 0)) : bisect_left(
                self._starts, (network.version, last + 1, 0)
            )
        ]
        return sorted({*around, *(place for _, _, place in within)})

    def of(self, network: IpNetwork) -> Iterator[tuple[str, IpNetwork]]:
        """The networks that one overlaps, each with its key, in the order of the stack file."""
        return (self.named[place] for place in self.places(network))


def _prefix(network: IpNetwork, length: int) -> tuple[int, int, int]:
    """The first bits of a network's address, as many as the length says, with its IP version and the length."""
    return network.version, length, int(network.network_address) >> (network.max_prefixlen - length)


@check("network")
def networks_are_disjoint(p: Platform) -> Iterator[Fault]:
    """No two of the networks of machines, pods and services overlap."""
    overlaps = Overlaps(p)
    for first, (a, left) in enumerate(overlaps.named):
        for b, right in (overlaps.named[place] for place in overlaps.places(left) if place > first):
            yield fault(
                ("network", b),
                f"{right} overlaps network.{a} {left}",
                "packets to an address in both networks would reach the wrong one",
                "choose networks that do not overlap",
            )


@check("network")
def pods_and_services_have_equal_versions(p: Platform) -> Iterator[Fault]:
    """Pods and services have one network of each IP version at most, both of the same versions."""
    net = p.network
    for key in ("pods", "services"):
        versions = [network.version for network in getattr(net, key)]
        for version in sorted({version for version in versions if versions.count(version) > 1}):
            yield fault(
                ("network", key),
                f"has {versions.count(version)} networks of IPv{version}",
                "Kubernetes takes one network of each IP version",
                "write one, large enough for all",
            )
    pods, services = ({network.version for network in getattr(net, key)} for key in ("pods", "services"))
    if pods != services:
        yield fault(
            ("network", "services"),
            f"is of {_versions(services)}, but network.pods is of {_versions(pods)}",
            "a service must reach pods over its own IP version",
            "write networks of the same IP versions for both",
        )
    elif net.services[0].version == 6 and 4 in services:
        yield fault(
            ("network", "services"),
            "has the IPv6 network first",
            "the API server listens where the first network is, and Talos puts a node's IPv4 address first",
            "write the IPv4 network first",
        )
    if missing := pods - set(net.families):
        yield fault(
            ("network", "nodes"),
            f"has no network of {_versions(missing)}, but network.pods has one",
            "nodes pass on packets only between addresses that they have",
            f"write a list with a node network of {_versions(missing)} too, or leave it out of pods and services",
        )


def _versions(versions: set[int]) -> str:
    return " and ".join(f"IPv{version}" for version in sorted(versions))


@check("network", "machines")
def pods_are_enough(p: Platform) -> Iterator[Fault]:
    """The pod network has a part for each machine."""
    count = len(p.machines)
    for network in p.network.pods:
        part, widest = NODE_PREFIX[network.version], WIDEST_PODS[network.version]
        room = 2 ** (part - network.prefixlen) if network.prefixlen <= part else 0
        if room < count:
            yield fault(
                ("network", "pods"),
                f"{network} has room for {room} machine{'' if room == 1 else 's'}, and there {_are(count)}",
                f"each machine gets a /{part} of it for its pods, and without one it never becomes ready",
                f"write a /{part - max(count - 1, 0).bit_length()} or larger",
            )
        elif network.prefixlen < widest:
            yield fault(
                ("network", "pods"),
                f"{network} is too large",
                f"Kubernetes divides it into parts of a /{part}, at most 65536 of them",
                f"write a /{widest} or smaller",
            )


def _are(count: int) -> str:
    return f"is {count}" if count == 1 else f"are {count}"


@check("network")
def services_are_enough(p: Platform) -> Iterator[Fault]:
    """The service network has a size that the API server takes, and an address for the cluster's DNS."""
    for network in p.network.services:
        widest, narrowest = SERVICES[network.version]
        if network.prefixlen > narrowest:
            yield fault(
                ("network", "services"),
                f"{network} has {network.num_addresses} address{'' if network.num_addresses == 1 else 'es'}",
                "the API server requires 8, and the cluster's DNS gets the tenth",
                f"write a /{narrowest} or larger, e.g. a /{16 if network.version == 4 else 112}",
            )
        elif network.prefixlen < widest:
            yield fault(
                ("network", "services"),
                f"{network} is too large",
                f"the API server refuses service networks larger than a /{widest}",
                f"write a /{widest} or smaller",
            )


@check("network", "cilium")
def ipv6_is_known_to_cilium(p: Platform) -> Iterator[Fault]:
    """A platform with IPv6 pods has a Cilium that announces and tunnels IPv6."""
    if any(network.version == 6 for network in p.network.pods) and minor(p.cilium.version) < IPV6_FROM:
        yield fault(
            ("cilium", "version"),
            f"{p.cilium.version} is too old for the IPv6 network in network.pods",
            "older releases announce no service of IPv6",
            f"write {IPV6_FROM[0]}.{IPV6_FROM[1]} or later",
        )
