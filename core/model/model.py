"""One platform, from its boot server to its virtual machines: pure data, parsed once, never changed.

The field docstrings are the documentation: the JSON Schema that editors use carries them.
"""

from collections.abc import Mapping
from functools import cached_property
from ipaddress import IPv4Address
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field

from core.facts.versions import CURRENT

from . import schematic
from .bmc import PaceSpec
from .exceptions import ExemptionSpec
from .host import (
    Certificates,
    FirewallSpec,
    ImageRule,
    KmsUrl,
    KubernetesHardening,
    LogUrl,
    RegistryHost,
    RegistryTls,
    Reserved,
    Settings,
)
from .machine import MachineClass, MachineSpec, Patch
from .schematic import Schematic, SchematicOrId
from .snapshots import SnapshotsSpec
from .types import (
    Address,
    ByName,
    ChartVersion,
    ContainerImage,
    Contract,
    CpuQuantity,
    Folder,
    HostPort,
    HttpUrl,
    LinkName,
    Model,
    Name,
    Network,
    PlainHttp,
    Quantity,
    Range,
    Version,
)


class TalosSpec(Settings):
    contract: Contract = Field(examples=[CURRENT["contract"]])
    """Schema of the machine config. Fixed when the cluster is made; it never moves with the OS."""
    version: Version = Field(examples=[CURRENT["talos"]])
    """The OS on the machines. One minor at a time."""
    kubernetes: Version = Field(examples=[CURRENT["kubernetes"]])
    """The Kubernetes release that Talos runs."""
    schematic: SchematicOrId = Schematic()
    """What is baked into the images: system extensions and kernel arguments, or the 64-digit id of a schematic."""
    factory: HttpUrl = "https://factory.talos.dev"
    """Where images come from: the public Image Factory, a private one, or a mirror of either."""
    bootstrap: Name | None = None
    """The control plane on which etcd is bootstrapped, once. Needed where there are several."""
    disk_encryption: Literal["tpm", "kms", "node-id", "none"] = "none"
    """LUKS2 on Talos' own volumes and those of volumes: sealed to the machine's TPM, kept by a KMS, or keyed by the machine's UUID (keeps a disk thrown away from being read, no more)."""
    kms: KmsUrl | None = None
    """The server that seals and opens the keys, for disk_encryption: kms."""
    firewall: FirewallSpec = Field(default_factory=FirewallSpec)
    reserved: Reserved = Reserved()
    logs: tuple[LogUrl, ...] = ()
    """Receivers of the machines' own logs and the kernel's."""
    trusted_roots: ByName[Name, Certificates] = Field(default={}, validate_default=True)
    """Authorities that machines trust besides the public ones, as PEM by a name of yours."""
    images: tuple[ImageRule, ...] = ()
    """What images must be signed by. Needs contract v1.13."""
    block_volumes: bool = True
    """Pods that run as a user may own the block devices they are given: what CDI writes disks through."""
    extras: KubernetesHardening = KubernetesHardening()
    snapshots: SnapshotsSpec = SnapshotsSpec()
    """When etcd is saved, and where to."""
    schedulable_control_planes: bool = False
    """Control planes run workloads too. Said and not derived: the first worker must not drive them away."""
    patches: tuple[Patch, ...] = ()
    """Machine config for every machine, merged after Bedplate's own."""


class ClusterNetwork(Model):
    nodes: Network = Field(examples=["192.168.10.0/24"])
    """The network that machines live in."""
    endpoint: Address = Field(examples=["192.168.10.5"])
    """The Kubernetes API's address: a virtual IP that the control planes hold, never a machine's own."""
    pods: Network = Field(default="10.244.0.0/16", validate_default=True)
    """Pod addresses."""
    services: Network = Field(default="10.96.0.0/12", validate_default=True)
    """Service addresses."""
    gateway: Address | None = None
    """Default gateway. Where it is set, machines have static addresses; else DHCP reserves them."""
    resolvers: tuple[Address, ...] = ()
    """DNS servers. With none, what DHCP says."""
    time: tuple[str, ...] = ()
    """NTP servers. With none, Talos' default, which an air-gapped site can't reach."""


class MatchboxSpec(Model):
    endpoint: HostPort = Field(examples=["matchbox.example.com:8081"])
    """Its gRPC API, mTLS. The credentials are the stack's secret bedplate:matchbox."""


class Provisioning(Model):
    """The network that machines boot from: makes the stack output dnsmasq, for the server that answers there."""

    interface: LinkName = Field(examples=["eth1"])
    """That server's link on the node network."""
    http: PlainHttp = Field(examples=["http://192.168.10.2:8080"])
    """Where machines ask matchbox."""
    dhcp: Literal["proxy", "full"] = "proxy"
    """proxy beside a DHCP server that gives addresses; full where there is none: each machine gets its own address."""
    tftp_root: Folder = "/var/lib/tftpboot"
    """Where iPXE's undionly.kpxe and snponly.efi are, and the script of this platform."""


class BootSpec(Model):
    """Network boot. Without it machines are booted by hand, from an ISO or a USB stick."""

    matchbox: MatchboxSpec
    provisioning: Provisioning | None = None
    kernel_args: tuple[str, ...] = ()
    """Added to those that Talos needs. They hold for the boot from the network alone."""
    power: PaceSpec = PaceSpec()
    """How fast a rack is switched on."""


class Mirror(Model):
    endpoints: tuple[HttpUrl, ...] = Field(min_length=1, examples=["[https://mirror.example.com]"])
    """Where to ask instead, in this order."""
    override_path: bool = False
    """Use the endpoint's path as it stands, without /v2."""
    skip_fallback: bool = True
    """Never ask the registry itself: what an air-gapped site wants to hear about at once."""


class Registries(Model):
    mirrors: ByName[str, Mirror] = Field(default={}, validate_default=True)
    """Registry host (or "*") to its mirror."""
    tls: ByName[RegistryHost, RegistryTls] = Field(default={}, validate_default=True)
    """Registry or mirror host to the authority that it is checked with."""
    auth: tuple[RegistryHost, ...] = ()
    """Hosts that want a user and a password: the stack's secret bedplate:registries."""


class LoadBalancerSpec(Model):
    pool: Range = Field(examples=["192.168.10.200-192.168.10.220"])
    """Addresses for Services of type LoadBalancer, announced on the node network."""


class CiliumSpec(Model):
    version: ChartVersion = Field(examples=[CURRENT["cilium"]])
    chart: str = "cilium"
    """The chart: its name in the repository, an oci:// address, or a folder of this checkout."""
    repository: HttpUrl | None = "https://helm.cilium.io"
    """The chart repository. null where the chart is an oci:// address or a folder."""
    encryption: Literal["wireguard", "none"] = "wireguard"
    """Between nodes."""
    hubble: bool = True
    load_balancer: LoadBalancerSpec | None = None


class KubeVirtSpec(Model):
    version: Version = Field(examples=[CURRENT["kubevirt"]])
    emulation: bool = False
    """Run VMs without VT-x/AMD-V. For a lab: slow beyond use."""
    registry: str | None = Field(default=None, pattern=r"^[a-z0-9.-]+(:\d+)?(/[a-z0-9._-]+)*$")
    """Where KubeVirt's images are, if not where the release says."""


class VirtualMachineSpec(Model):
    image: ContainerImage = Field(examples=["quay.io/containerdisks/fedora:42"])
    """A container disk: the VM starts from it afresh."""
    cpu: int = Field(ge=1, le=512, strict=True, examples=[2])
    """Virtual CPUs: cores of one socket."""
    memory: Quantity = Field(examples=["4Gi"])
    namespace: Name = "vms"
    running: bool = True
    ssh_keys: tuple[str, ...] = ()
    """Public keys for the image's default user."""
    cloud_init: Mapping[str, Any] = {}
    """cloud-config, merged over what ssh_keys make. It lives in a Secret of the VM's namespace."""
    ports: tuple[Annotated[int, Field(ge=1, le=65535, strict=True)], ...] = ()
    """TCP ports that others may reach. All else is dropped."""


class WorkloadSpec(Model):
    image: ContainerImage = Field(examples=["registry.example.com/shop/web:1.4.2"])
    """It must run as any user, with a read-only root."""
    command: tuple[str, ...] = ()
    """Instead of the image's own."""
    replicas: int = Field(default=1, ge=0, le=100, strict=True)
    port: Annotated[int, Field(ge=1024, le=65535, strict=True)] | None = None
    """The TCP port that it serves, to others in the cluster as well. Above 1023: it runs as nobody."""
    cpu: CpuQuantity = "50m"
    """CPU that it is promised."""
    memory: Quantity = "128Mi"
    """Memory that it is promised and may not exceed."""
    namespace: Name = "apps"


class Platform(Model):
    name: Name = Field(examples=["dev"])
    """The cluster's name."""
    talos: TalosSpec = Field(examples=["{contract: v1.12, version: v1.14.2, kubernetes: v1.35.4}"])
    network: ClusterNetwork = Field(examples=["{nodes: 192.168.10.0/24, endpoint: 192.168.10.5}"])
    declared: ByName[Name, MachineSpec] = Field(alias="machines", examples=["{cp-1: {role: controlplane, …}}"])
    """Every machine, by name; those that leave too, until their entry is deleted."""
    classes: ByName[Name, MachineClass] = Field(default={}, validate_default=True)
    """What equal machines share, by the name that their class: has."""
    boot: BootSpec | None = None
    registries: Registries = Field(default_factory=Registries)
    cilium: CiliumSpec = Field(examples=[f"{{version: {CURRENT['cilium']}}}"])
    kubevirt: KubeVirtSpec | None = None
    """Without it there are no VMs."""
    vms: ByName[Name, VirtualMachineSpec] = Field(default={}, validate_default=True)

    workloads: ByName[Name, WorkloadSpec] = Field(default={}, validate_default=True)
    """Container applications."""
    exceptions: tuple[ExemptionSpec, ...] = ()
    """Controls that this platform does without for a while, each recorded with its reason and its end."""
    include: tuple[str, ...] = ()
    """Files of the checkout with more machines:, vms: and workloads:, for a platform too large for one file."""

    @cached_property
    def machines(self) -> Mapping[str, MachineSpec]:
        """Those that are the platform: all but the ones that leave it. In natural order."""
        return MappingProxyType({n: m for n, m in self.declared.items() if m.decommission is None})

    @cached_property
    def leaving(self) -> Mapping[str, MachineSpec]:
        """Those that are taken out of the platform, or were, and still stand in its file."""
        return MappingProxyType({n: m for n, m in self.declared.items() if m.decommission is not None})

    @property
    def controlplanes(self) -> tuple[str, ...]:
        """Names, in natural order."""
        return tuple(n for n, m in self.machines.items() if m.role == "controlplane")

    @property
    def workers(self) -> tuple[str, ...]:
        """Names, in natural order."""
        return tuple(n for n, m in self.machines.items() if m.role == "worker")

    @property
    def first(self) -> str:
        """The control plane on which etcd is bootstrapped."""
        return self.talos.bootstrap or self.controlplanes[0]

    @property
    def api(self) -> str:
        """The Kubernetes API's address."""
        return f"https://{self.network.endpoint}:6443"

    @property
    def installer(self) -> str:
        """The installer image: what a machine runs after a reinstall, to the byte of its schematic."""
        kind = "metal-installer-secureboot" if self.talos.schematic.secureboot else "metal-installer"
        return f"{self.talos.factory.split('://')[1]}/{kind}/{self.schematic_id}:{self.talos.version}"

    @property
    def schematic_id(self) -> str:
        """The id of what is baked into the images: the file's, with what the platform needs."""
        made = schematic.body(self)
        return schematic.id_of(made) if made is not None else str(self.talos.schematic.id)

    @property
    def schematic_text(self) -> str | None:
        """What a factory must have been sent once to serve those images. None where the file names an id."""
        made = schematic.body(self)
        return schematic.text(made) if made is not None else None

    @property
    def schedulable(self) -> tuple[str, ...]:
        """The machines that run workloads."""
        return tuple(self.machines) if self.talos.schedulable_control_planes else self.workers

    @property
    def migratable(self) -> bool:
        """Whether a VM has another node to move to."""
        return len(self.schedulable) > 1

    @property
    def namespaces(self) -> dict[str, Literal["baseline", "restricted"]]:
        """The namespaces that VMs and workloads live in, by name, and the pod security each has.

        virt-launcher is not restricted in every case (hot-plugged disks, for one); applications are.
        """
        kinds: dict[str, Literal["baseline", "restricted"]] = {}
        kinds |= {w.namespace: "restricted" for w in self.workloads.values()}
        kinds |= {vm.namespace: "baseline" for vm in self.vms.values()}
        return dict(sorted(kinds.items()))

    def addresses(self) -> dict[IPv4Address, str]:
        """Each machine's address and whose it is; one that leaves has its own to the end."""
        return {m.address: n for n, m in self.declared.items()}
