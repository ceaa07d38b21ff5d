"""A machine's own addresses, as far as its config has them, and which of them a list of subnets selects.

Source: siderolabs/talos, pkg/machinery/net FilterIPs, and internal/app/machined/pkg/controllers/k8s/nodeip.go.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_interface, ip_network

from .section import Config, at

Address = IPv4Address | IPv6Address
# Documents that have addresses.
_LINKS = frozenset({"LinkConfig", "BondConfig", "VLANConfig", "BridgeConfig", "DummyLinkConfig"})


def own_addresses(config: Config, declared: Iterable[Address]) -> list[Address]:
    """The declared addresses of a machine, then those of its links."""
    return list(dict.fromkeys((*(ip_address(str(each)) for each in declared), *_of_links(config))))


def _of_links(config: Config) -> Iterator[Address]:
    for (kind, _), document in config.documents.items():
        found = at(document, "addresses") if kind in _LINKS else None
        for each in found if isinstance(found, list) else ():
            with suppress(ValueError):
                yield ip_interface(str(at(each, "address"))).ip


def networks(written: Iterable[str]) -> Iterator[IPv4Network | IPv6Network]:
    """The networks of a list of texts, without those that are none: Talos' own validation refuses these."""
    for each in written:
        with suppress(ValueError):
            yield ip_network(each, strict=False)


def within(addresses: Iterable[Address], subnets: list[str]) -> list[Address]:
    """Those addresses that are in one of the subnets, and in none that begins with an exclamation mark."""
    wanted = list(networks(each for each in subnets if not each.startswith("!")))
    unwanted = list(networks(each[1:] for each in subnets if each.startswith("!")))
    return [
        each
        for each in addresses
        if any(each in network for network in wanted) and not any(each in network for network in unwanted)
    ]


def node_addresses(config: Config, own: list[Address]) -> list[Address]:
    """The addresses that a kubelet gives to its node: at most one of each IP version, IPv4 first.

    Empty where an address of a wanted version is one that only the machine knows.
    """
    section = config.section("KubeNodeConfig", "machine", "kubelet")
    subnets = section.texts("nodeIP", "validSubnets") or ["0.0.0.0/0", "::/0"]
    selected = within(own, subnets)
    by_version = {each.version: each for each in reversed(selected)}
    written = section.texts("nodeIP", "validSubnets")
    versions = {network.version for network in networks(each for each in written if not each.startswith("!"))}
    if versions - set(by_version):
        return []
    return [by_version[version] for version in sorted(by_version)]
