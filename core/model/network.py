"""The `network` section: the networks of machines, pods and services, and the address of the Kubernetes API."""

from pydantic import Field

from .addresses import Address, Network
from .types import Model
from .urls import Host


class ClusterNetworkSpec(Model):
    """The networks of machines, pods and services, and the address of the Kubernetes API."""

    nodes: Network = Field(examples=["192.168.10.0/24"])
    """Network of the machines."""
    endpoint: Address = Field(examples=["192.168.10.5"])
    """Address of the Kubernetes API: a virtual IP that the control planes share, never a machine's own address."""
    pods: Network = Field(default="10.244.0.0/16", validate_default=True)
    """Network of the pods."""
    services: Network = Field(default="10.96.0.0/12", validate_default=True)
    """Network of the services."""
    gateway: Address | None = None
    """Default gateway. If set, machines have static addresses; otherwise reserve their addresses in DHCP."""
    resolvers: tuple[Address, ...] = ()
    """DNS servers. Empty: those that DHCP announces."""
    time: tuple[Host, ...] = ()
    """NTP servers. Empty: Talos' default, which an air-gapped site can't reach."""
