"""Where a credential may be sent: the hosts that its secret names beside the password.

The stack file says which addresses there are, and whoever edits it could name an address of their own. So the secret
itself says which hosts it is for, and a plan refuses every other address.
"""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

HOSTS = "hosts"
"""The key of a login that says where the login may be sent."""
# The widest networks: a wider one would be no limit.
WIDEST = {4: 8, 6: 32}

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_LABEL = r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?"
_NAME = re.compile(rf"({_LABEL}\.)*{_LABEL}")
# A wildcard needs a domain below a top-level domain: "*.com" would be no limit.
_WILDCARD = re.compile(rf"\*(\.{_LABEL}){{2,}}")
# Programs read such a name as an address: 0x7f.1 is 127.0.0.1.
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)")


class HostsError(ValueError):
    """Why a text names no hosts: the place in it such as "[1]" or nothing, and a message that quotes nothing of it.

    The message ends with "run", before the command that sets the hosts.
    """

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(reason)
        self.place = place


@dataclass(frozen=True)
class Hosts:
    """The hosts that a secret is for."""

    names: frozenset[str]
    """Names, and names with "*" for their first label."""
    networks: tuple[Network, ...]

    def __contains__(self, host: object) -> bool:
        """Whether a host, a name or an address without brackets, is one of them. No name is resolved."""
        given = str(host).lower()
        name = given.removesuffix(".")
        try:
            # With a dot at its end it is a name, which a resolver is asked for.
            address = ipaddress.ip_address(given)
        except ValueError:
            return name in self.names or f"*.{name.partition('.')[2]}" in self.names
        return any(address in network for network in self.networks if network.version == address.version)


def parse(given: object) -> Hosts:
    """The hosts of a secret: a text with commas or blanks between them, or a list of texts. Raises HostsError."""
    parts = re.split(r"[,\s]+", given.strip(", \t\r\n")) if isinstance(given, str) else given
    if not isinstance(parts, list) or not parts or not all(isinstance(part, str) for part in parts):
        raise HostsError(
            "", "is neither a text nor a list of texts; the secret is sent only to the hosts that it names; run"
        )
    names, networks = set(), []
    for index, part in enumerate(parts):
        name = part.strip().lower().removesuffix(".")
        if network := _network(name):
            networks.append(network)
        elif _is_name(name):
            names.add(name)
        else:
            raise HostsError(
                f"[{index}]",
                "is neither a host (bmc-1.example.com), nor the hosts of a domain (*.bmc.example.com), nor a network "
                "(10.20.1.0/24) that is no larger than a /8, or a /32 of IPv6; the secret is sent only to the hosts "
                "that it names; write each host in one of these forms, and run",
            )
    return Hosts(frozenset(names), tuple(networks))


def is_other(given: object, logins: Iterable[Mapping[str, Any]]) -> bool:
    """Whether hosts are, or contain, the text of another secret: the value of any key of these logins but HOSTS.

    An encrypted text is not bound to its key. Whoever edits a stack file can copy a user name's to the hosts without
    being able to read it, and give a computer of theirs this name.
    """
    others = {str(text).strip().lower() for login in logins for key, text in login.items() if text and key != HOSTS}
    parts = given if isinstance(given, list) else [given, *re.split(r"[,\s]+", str(given))]
    return any(str(part).strip().lower() in others for part in parts)


def _network(text: str) -> Network | None:
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        return None
    return network if network.prefixlen >= WIDEST[network.version] else None


def _is_name(text: str) -> bool:
    last = text.rpartition(".")[2]
    return bool(_NAME.fullmatch(text) or _WILDCARD.fullmatch(text)) and not _NUMBER.fullmatch(last)


def host_of(address: str) -> str:
    """The host in a URL or in host:port, without brackets; empty if there is none."""
    try:
        return urlsplit(address if "://" in address else f"//{address}").hostname or ""
    except ValueError:
        return ""


def suggestion(addresses: Iterable[str]) -> str:
    """Hosts that contain these addresses, for a message: one domain or network for each group of them.

    It is never the text of one host alone. The engine shows [secret] for every text that equals a secret, so each of
    its messages would hide that host.
    """
    hosts = sorted({host_of(address) for address in addresses} - {""})
    groups: dict[str, list[str]] = {}
    for host in hosts:
        groups.setdefault(_group(host), []).append(host)
    text = ", ".join(group if len(members) > 1 else members[0] for group, members in groups.items())
    return f"{text}," if text in hosts else text


def _group(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        wildcard = f"*.{host.partition('.')[2]}"
        return wildcard if _is_name(wildcard) else host
    return str(ipaddress.ip_network(f"{address}/{24 if address.version == 4 else 64}", strict=False))
