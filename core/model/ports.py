"""The ports on which a machine of the platform itself answers: one list, for its firewall and for those who add to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .model import Platform


@dataclass(frozen=True)
class OwnPort:
    """A port, whose it is, and who must reach it besides the machines."""

    name: str
    what: str
    ports: str
    protocol: str = "tcp"
    everywhere: bool = True
    """On workers too."""
    pods: bool = False
    admins: bool = False


# Source: Talos documentation, ingress firewall; cilium, Documentation/operations/system_requirements.rst.
_TALOS = (
    OwnPort("apid", "the Talos API's", "50000", admins=True),
    OwnPort("trustd", "Talos' certificates'", "50001", everywhere=False),
    OwnPort("etcd", "etcd's", "2379-2380", everywhere=False),
    # Pods reach it at the machine's own address: that is what the service kubernetes stands for.
    OwnPort("kubernetes-api", "the Kubernetes API's", "6443", everywhere=False, pods=True, admins=True),
    OwnPort("kubelet", "the kubelet's", "10250", pods=True),
)
# Jobs that save etcd come in there, as pods.
_SNAPSHOTS = OwnPort("apid-pods", "the Talos API's", "50000", everywhere=False, pods=True)
_CILIUM = (
    OwnPort("cilium-health", "Cilium's health checks'", "4240", pods=True),
    OwnPort("cilium-tunnel", "Cilium's tunnel's", "8472", "udp"),
)
_WIREGUARD = OwnPort("cilium-wireguard", "Cilium's encryption's", "51871", "udp")
_HUBBLE = OwnPort("hubble", "Hubble's", "4244", pods=True)


def own_ports(platform: "Platform") -> Iterator[OwnPort]:
    """Those that this platform uses."""
    yield from _TALOS
    if platform.talos.snapshots.schedule:
        yield _SNAPSHOTS
    yield from _CILIUM
    if platform.cilium.encryption == "wireguard":
        yield _WIREGUARD
    if platform.cilium.hubble:
        yield _HUBBLE
