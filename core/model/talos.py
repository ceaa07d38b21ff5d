"""The `talos` section: the OS, the Kubernetes that it runs, and what holds for all machines."""

from typing import Literal

from pydantic import Field

from core.facts.versions import CURRENT

from .firewall import FirewallSpec
from .host import ImageRuleSpec, KubernetesHardeningSpec, ReservedSpec, SettingsSpec
from .images import ComponentImage
from .machine import Patch
from .pem import Certificates
from .schematic import SchematicOrId, SchematicSpec
from .snapshots import SnapshotsSpec
from .types import ByName, Contract, KubernetesVersion, Model, Name, TalosVersion
from .urls import FactoryUrl, KmsUrl, LogUrl


class ComponentsSpec(Model):
    """Registries and names of the images of Kubernetes' components. The tag is always talos.kubernetes."""

    kubelet: ComponentImage = "ghcr.io/siderolabs/kubelet"
    apiserver: ComponentImage = "registry.k8s.io/kube-apiserver"
    controller_manager: ComponentImage = "registry.k8s.io/kube-controller-manager"
    scheduler: ComponentImage = "registry.k8s.io/kube-scheduler"


class TalosSpec(SettingsSpec):
    """The OS, the Kubernetes that it runs, and what holds for all machines."""

    contract: Contract = Field(examples=[CURRENT["contract"]])
    """Schema of the machine config. It does not follow upgrades of the OS; a later one is a step of its own."""
    version: TalosVersion = Field(examples=[CURRENT["talos"]])
    """The Talos release on the machines. Upgrade one minor at a time."""
    kubernetes: KubernetesVersion = Field(examples=[CURRENT["kubernetes"]])
    """The Kubernetes release that Talos runs."""
    components: ComponentsSpec = ComponentsSpec()
    """Where the images of Kubernetes' own components come from, for sites whose mirror can't stand in for a host."""
    schematic: SchematicOrId = SchematicSpec()
    """Contents of the OS images: system extensions and kernel arguments, or the 64-digit id of a schematic."""
    factory: FactoryUrl = "https://factory.talos.dev"
    """Where the images come from: the public Image Factory, a private one, or a mirror of either."""
    bootstrap: Name | None = None
    """The control plane on which etcd is bootstrapped, once. Required with more than one control plane."""
    disk_encryption: Literal["tpm", "kms", "node-id", "none"] = "none"
    """Encrypts Talos' system volumes and `volumes` with LUKS2. `tpm` seals the keys to the machine's TPM, `kms` lets
    the server under kms: seal them. `node-id` only protects discarded disks: anyone who knows the machine's UUID can
    decrypt it."""
    kms: KmsUrl | None = None
    """The server that seals and unseals disk keys, for disk_encryption: kms."""
    firewall: FirewallSpec = Field(default_factory=FirewallSpec)
    reserved: ReservedSpec = ReservedSpec()
    logs: tuple[LogUrl, ...] = ()
    """Receivers of Talos' logs and of the kernel's."""
    trusted_roots: ByName[Name, Certificates] = Field(default={}, validate_default=True)
    """Certificate authorities that machines trust besides the public ones: a name of your choice to PEM."""
    images: tuple[ImageRuleSpec, ...] = ()
    """Which images must be signed, and with which key. Requires contract v1.13."""
    block_volumes: bool = True
    """Lets pods that run as a user own the block devices they get. CDI needs it to write VM disks."""
    hardening: KubernetesHardeningSpec = Field(default=KubernetesHardeningSpec(), alias="extras")
    snapshots: SnapshotsSpec = SnapshotsSpec()
    """When etcd is saved, and where to."""
    schedulable_control_planes: bool = False
    """Lets control planes run workloads too. Explicit on purpose: adding the first worker must not evict workloads
    from control planes."""
    patches: tuple[Patch, ...] = ()
    """Machine config for every machine, merged after Bedplate's own."""
