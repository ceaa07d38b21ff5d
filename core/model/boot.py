"""The `boot` section: the server that machines boot from over the network."""

from typing import Literal

from pydantic import Field

from .bmc import PaceSpec
from .folders import TftpFolder
from .types import KernelArgument, LinkName, Model
from .urls import BootUrl, HostPort, PlainHttp


class MatchboxSpec(Model):
    """The matchbox server, which tells each machine what to boot."""

    endpoint: HostPort = Field(examples=["matchbox.example.com:8081"])
    """Its gRPC API, with mTLS. The credentials are the stack's secret bedplate:matchbox."""


class ProvisioningSpec(Model):
    """The boot network. Makes the stack output dnsmasq, a configuration for the server that answers there."""

    interface: LinkName = Field(examples=["eth1"])
    """The server's link on the node network."""
    http: PlainHttp = Field(examples=["http://192.168.10.2:8080"])
    """matchbox's HTTP address, as the machines reach it."""
    dhcp: Literal["proxy", "full"] = "proxy"
    """proxy runs beside a DHCP server that hands out addresses. full is that server, and gives each machine its own
    address."""
    tftp_root: TftpFolder = "/var/lib/tftpboot"
    """Folder with iPXE's undionly.kpxe and snponly.efi, for arm64 also snponly-arm64.efi, and with this platform's
    script."""


class BootSpec(Model):
    """Network boot. Without it, machines are booted by hand, from an ISO or a USB stick."""

    matchbox: MatchboxSpec
    provisioning: ProvisioningSpec | None = None
    assets: BootUrl | None = Field(default=None, examples=["http://192.168.10.2:8080/assets"])
    """A copy of the factory's images for boot loaders alone, which may have no TLS in a private network. Unset:
    talos.factory."""
    kernel_args: tuple[KernelArgument, ...] = ()
    """Kernel arguments of the network boot alone, added to those that Talos needs."""
    power: PaceSpec = PaceSpec()
    """How fast a rack is powered on."""
