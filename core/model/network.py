"""The `network` section: the networks of machines, pods and services, and the address of the Kubernetes API."""

import re
from collections.abc import Mapping
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from core.facts.addresses import NAME
from core.facts.networks import DEFAULT_PODS, DEFAULT_SERVICES, IpAddress, IpNetwork

from .addresses import Gateways, ServerAddress, SiteNetworks, address_of, ip, server_of
from .endpoint import Endpoint
from .faults import refuse
from .types import Model


def _vip(value: Any) -> Any:
    return value if value in ("none", None) else address_of(value)


def _time_server(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if ip(value) is None and not re.fullmatch(NAME, value, re.ASCII):
        url = "://" in value
        shown = repr(value) if len(value) <= 80 and "@" not in value else "this text"
        refuse(
            f"{shown} is {'a URL' if url else 'not a host name or an address'}",
            "machines ask exactly this host for the time, over NTP",
            "write e.g. ntp.example.com or 192.168.10.3",
        )
    return str(server_of(value)) if ip(value) else value


VirtualIp = Annotated[
    IPv4Address | IPv6Address | Literal["none"] | None,
    BeforeValidator(_vip),
    PlainSerializer(lambda value: None if value is None else str(value)),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "null"}]}),
]
TimeServer = Annotated[str, BeforeValidator(_time_server), WithJsonSchema({"type": "string"})]


class AcceptedNetworkChange(Model):
    """The new values of settings that a running cluster keeps, repeated to accept what their change breaks."""

    endpoint: Endpoint | None = None
    """The new endpoint. Pods get new tokens when they are created again."""
    pods: SiteNetworks | None = None
    """The new network of the pods."""
    services: SiteNetworks | None = None
    """The new network of the services."""


class ClusterNetworkSpec(Model):
    """The networks of machines, pods and services, and the address of the Kubernetes API."""

    nodes: SiteNetworks = Field(min_length=1, examples=["192.168.10.0/24"])
    """Network of the machines. A list if there are several: one for each rack behind routers, or one of IPv4 and one
    of IPv6."""
    endpoint: Endpoint = Field(examples=["192.168.10.5"])
    """Where the Kubernetes API is reached, as HOST or HOST:PORT: a free address of the node network, which becomes the
    virtual IP of the control planes; a DNS name; an external load balancer; or the address of the only control plane.
    Tokens of service accounts name it, so a change is refused in the plan until it is accepted."""
    vip: VirtualIp = None
    """The virtual IP that the control planes share. Unset: the endpoint, if it is a free address of the node network.
    Write the address if the endpoint is a name, and none if a load balancer has the endpoint's address."""
    pods: SiteNetworks = Field(default=DEFAULT_PODS, min_length=1, validate_default=True)
    """Network of the pods; with IPv4 and IPv6, a list of one of each."""
    services: SiteNetworks = Field(default=DEFAULT_SERVICES, min_length=1, validate_default=True)
    """Network of the services; with IPv4 and IPv6, a list of one of each."""
    accept_change: AcceptedNetworkChange | None = None
    """Accepts a change of endpoint, pods or services in a running cluster. Remove it after the next `up`."""
    gateway: Gateways = ()
    """Default gateway; a list where nodes is one. If set, machines have static addresses; otherwise reserve their
    addresses in DHCP."""
    resolvers: tuple[ServerAddress, ...] = ()
    """DNS servers. Empty: those that DHCP announces."""
    time: tuple[TimeServer, ...] = ()
    """NTP servers. Empty: Talos' default, which an air-gapped site can't reach."""

    def of(self, address: IpAddress) -> IpNetwork | None:
        """The node network that an address is in; None where it is in none of them."""
        for (version, tail), networks in self._by_prefix.items():
            if version == address.version and (found := networks.get(int(address) >> tail)):
                return found
        return None

    @cached_property
    def _by_prefix(self) -> Mapping[tuple[int, int], Mapping[int, IpNetwork]]:
        """The node networks by IP version and number of bits after the prefix, then by the prefix itself.

        With a network for each rack, asking each of them for each machine would take longer than all else.
        """
        found: dict[tuple[int, int], dict[int, IpNetwork]] = {}
        for network in self.nodes:
            tail = network.max_prefixlen - network.prefixlen
            found.setdefault((network.version, tail), {})[int(network.network_address) >> tail] = network
        return found

    def gateway_of(self, network: IpNetwork | None) -> IpAddress | None:
        """The gateway of a node network; None where DHCP or router announcements say it."""
        return self._gateways.get(network) if network else None

    @cached_property
    def _gateways(self) -> Mapping[IpNetwork, IpAddress]:
        """Node network to its gateway. A link-local gateway is that of every IPv6 network."""
        found: dict[IpNetwork, IpAddress] = {}
        for gateway in self.gateway:
            of_all = [network for network in self.nodes if network.version == 6] if gateway.is_link_local else []
            within = self.of(gateway)
            for network in (*([within] if within else ()), *of_all):
                found.setdefault(network, gateway)
        return found

    @cached_property
    def families(self) -> tuple[int, ...]:
        """The IP versions of the node networks, IPv4 first."""
        return tuple(sorted({network.version for network in self.nodes}))

    @property
    def dual_stack(self) -> bool:
        """Whether pods and services have addresses of IPv4 and of IPv6."""
        return len({network.version for network in self.pods}) > 1
