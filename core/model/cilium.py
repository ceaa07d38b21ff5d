"""The `cilium` section: the pod network."""

from typing import Literal

from pydantic import Field

from core.facts.versions import CURRENT

from .addresses import Range
from .types import ChartVersion, Model
from .urls import HttpUrl


class LoadBalancerSpec(Model):
    """Addresses for Services of type LoadBalancer."""

    pool: Range = Field(examples=["192.168.10.200-192.168.10.220"])
    """Addresses, announced on the node network."""


class CiliumSpec(Model):
    """The pod network."""

    version: ChartVersion = Field(examples=[CURRENT["cilium"]])
    chart: str = "cilium"
    """The chart: its name in the repository, an oci:// address, or a folder of this checkout."""
    repository: HttpUrl | None = "https://helm.cilium.io"
    """The chart repository. Write null where chart is an oci:// address or a folder."""
    encryption: Literal["wireguard", "none"] = "wireguard"
    """Encryption of packets between nodes."""
    hubble: bool = True
    """Observability of network flows."""
    load_balancer: LoadBalancerSpec | None = None
