"""Links that ask for an address over DHCP and have none, because no server answers."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from core.machineconfig.differences import Difference
from core.machineconfig.documents.links import FURTHER_METRIC

LINKS = "LinkStatuses.net.talos.dev"
ADDRESSES = "AddressStatuses.net.talos.dev"
"""Resources of the namespace `network`."""

Specs = Mapping[str, Mapping[str, Any]]


def asking(documents: Iterable[Mapping[str, Any]]) -> list[str]:
    """The names of the links besides the one with the machine's own address that ask for an address."""
    return [
        str(document.get("name", ""))
        for document in documents
        if document.get("kind") == "DHCPv4Config" and document.get("routeMetric") == FURTHER_METRIC
    ]


def unanswered(names: Iterable[str], links: Specs, addresses: Specs) -> Iterator[Difference]:
    """A difference for each of these links that has no IPv4 address.

    links, addresses: the machine's LinkStatuses and AddressStatuses, id to spec. A link that has a name of the stack
    file is listed by the kernel's name, with the other as its alias.
    """
    with_address = {
        str(spec.get("linkName", ""))
        for spec in addresses.values()
        if "." in str(spec.get("address", "")).split("/")[0]
    }
    kernel = {str(spec.get("alias")): name for name, spec in links.items() if spec.get("alias")}
    for name in names:
        if kernel.get(name, name) not in with_address:
            yield Difference(f"DHCPv4Config {name}", "address", "an answer of a DHCP server", "none", reboots=False)
