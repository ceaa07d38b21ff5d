"""What a patch may not say again: fields and documents of machine config that another key of the stack file sets.

Bedplate acts on those keys elsewhere: it compares a disk before it lets Talos erase it, upgrades to an image, opens a
firewall, waits at an address. A patch would make the machine another one than the rest of the platform believes.
"""

from dataclasses import dataclass

BEDPLATE = "Bedplate itself"
"""The owner of what no key sets."""


@dataclass(frozen=True)
class Owned:
    """A field, or with an empty path a whole document, and who sets it."""

    kind: str
    """Kind of the document; empty for the large one with machine: and cluster:."""
    path: tuple[str, ...]
    owner: str
    """The key of the stack file that sets it, or BEDPLATE."""
    why: str
    """What goes wrong where a patch sets it too."""
    unseen: bool = False
    """Whether its value is in the stack's state alone, so that no merge of plain documents has it."""


# Owner -> why, and the fields: dotted paths of the large document, and KIND or KIND.path of documents.
_TABLE: tuple[tuple[str, str, str], ...] = (
    (
        "talos.version with the schematic of talos, a class or the machine",
        "Bedplate upgrades each machine to the image that they make, which takes away what another image holds",
        "machine.install.image UnattendedInstallConfig.installer.image",
    ),
    (
        "machines.*.install.disk",
        "Bedplate verifies that disk before it sends a config, and Talos would erase another",
        "machine.install.disk machine.install.diskSelector UnattendedInstallConfig.provisioning.diskSelector",
    ),
    (
        "machines.*.install.generation",
        "each generation permits one installation, and nothing else may erase a disk",
        "machine.install.wipe UnattendedInstallConfig.provisioning.wipe",
    ),
    (
        "talos.schematic.kernel_args",
        "Talos takes the kernel arguments of its image, and refuses others beside them",
        "machine.install.extraKernelArgs machine.install.grubUseUKICmdline",
    ),
    (
        "machines.*.role",
        "the machine would get the place of one role and the config of the other",
        "machine.type",
    ),
    (
        "talos.kubernetes with talos.components",
        "Bedplate upgrades Kubernetes machine by machine, and judges each step by that version",
        "machine.kubelet.image cluster.apiServer.image cluster.controllerManager.image cluster.scheduler.image "
        "KubeletConfig.image KubeAPIServerConfig.image KubeControllerManagerConfig.image KubeSchedulerConfig.image",
    ),
    ("name", "credentials are made for that name", "cluster.clusterName KubeClusterConfig.clusterName"),
    (
        "network.endpoint",
        "credentials, tokens and Cilium use that address of the Kubernetes API",
        "cluster.controlPlane.endpoint KubeClusterConfig.endpoint Layer2VIPConfig",
    ),
    (
        "network.pods",
        "Cilium and the firewall use that network",
        "cluster.network.podSubnets KubeNetworkConfig.podSubnets cluster.controllerManager.extraArgs.cluster-cidr "
        "KubeControllerManagerConfig.extraArgs.cluster-cidr",
    ),
    (
        "network.services",
        "Cilium and the cluster's DNS use that network",
        "cluster.network.serviceSubnets KubeNetworkConfig.serviceSubnets "
        "cluster.apiServer.extraArgs.service-cluster-ip-range KubeAPIServerConfig.extraArgs.service-cluster-ip-range "
        "cluster.controllerManager.extraArgs.service-cluster-ip-range "
        "KubeControllerManagerConfig.extraArgs.service-cluster-ip-range",
    ),
    (
        "network.nodes",
        "nodes and etcd would announce addresses that the firewall does not let in",
        "machine.kubelet.nodeIP KubeNodeConfig.nodeIP cluster.etcd.advertisedSubnets "
        "machine.kubelet.extraArgs.node-ip KubeletConfig.extraArgs.node-ip",
    ),
    (
        "talos.kubelet_mounts",
        "a folder of the system would give pods the machine, and that key shares folders below /var alone",
        "machine.kubelet.extraMounts",
    ),
    ("network.resolvers", "Talos would use both", "ResolverConfig.nameservers"),
    ("network.time", "Talos would use both", "TimeSyncConfig.ntp"),
    (
        "machines",
        "the key of a machine is the name of its node, by which Bedplate finds it in Kubernetes",
        "HostnameConfig machine.kubelet.extraArgs.hostname-override KubeletConfig.extraArgs.hostname-override",
    ),
    (
        "talos.schedulable_control_planes",
        "the layers above place their pods by it",
        "cluster.allowSchedulingOnControlPlanes",
    ),
    (
        "talos.reserved",
        "the kubelet would reserve something else than the plan says",
        "machine.kubelet.extraConfig.systemReserved KubeletConfig.config.systemReserved",
    ),
    (
        "talos.disk_encryption",
        "a disk that leaves the building could be read, or the machine could not open its own",
        "VolumeConfig.encryption",
    ),
    (
        "talos.firewall.allow",
        "no policy judges an opening elsewhere, and without the platform's own openings its machines are locked out",
        "NetworkRuleConfig",
    ),
    ("talos.firewall", "every port that no rule names would be open", "NetworkDefaultActionConfig"),
    (
        "cilium",
        "two networks on one machine overwrite each other's rules",
        "cluster.network.cni cluster.proxy.disabled KubeFlannelCNIConfig KubeProxyConfig.enabled",
    ),
    (
        BEDPLATE,
        "Cilium reaches the Kubernetes API through it on every machine",
        "machine.features.kubePrism KubePrismConfig",
    ),
    (
        BEDPLATE,
        "the firewall opens one port of the API server, and Talos, Cilium and kubelets ask there",
        "cluster.controlPlane.localAPIServerPort cluster.apiServer.extraArgs.secure-port KubeAPIServerConfig.apiPort "
        "KubeAPIServerConfig.extraArgs.secure-port",
    ),
    (
        BEDPLATE,
        "names in certificates and in pods' settings end in it",
        "cluster.network.dnsDomain KubeNetworkConfig.dnsDomain machine.kubelet.extraConfig.clusterDomain "
        "KubeletConfig.config.clusterDomain machine.kubelet.extraArgs.cluster-domain "
        "KubeletConfig.extraArgs.cluster-domain",
    ),
    (
        "network.services",
        "the cluster's DNS answers at the tenth address of that network, and pods would ask elsewhere",
        "machine.kubelet.clusterDNS KubeletConfig.clusterDNS machine.kubelet.extraConfig.clusterDNS "
        "KubeletConfig.config.clusterDNS machine.kubelet.extraArgs.cluster-dns KubeletConfig.extraArgs.cluster-dns",
    ),
    (
        "talos.hardening.serving_certificates",
        "a kubelet would serve a certificate of another authority than the API server and the plan expect",
        "machine.kubelet.extraConfig.serverTLSBootstrap KubeletConfig.config.serverTLSBootstrap "
        "machine.kubelet.extraArgs.rotate-server-certificates KubeletConfig.extraArgs.rotate-server-certificates",
    ),
    (
        BEDPLATE,
        "it waits for the Node that each kubelet registers",
        "machine.kubelet.extraConfig.registerNode KubeletConfig.config.registerNode "
        "machine.kubelet.extraArgs.register-node KubeletConfig.extraArgs.register-node",
    ),
    (
        BEDPLATE,
        "the kubelet's port without authentication stays closed",
        "machine.kubelet.extraConfig.readOnlyPort KubeletConfig.config.readOnlyPort "
        "machine.kubelet.extraArgs.read-only-port KubeletConfig.extraArgs.read-only-port",
    ),
    (BEDPLATE, "another server would control the machine beside Bedplate", "SideroLinkConfig"),
    (BEDPLATE, "without roles every client of the Talos API may do everything", "machine.features.rbac"),
)  # fmt: skip
_PKI = (
    "machine.token machine.ca cluster.id cluster.secret cluster.token cluster.ca cluster.aggregatorCA "
    "cluster.serviceAccount cluster.secretboxEncryptionSecret cluster.aescbcEncryptionSecret cluster.etcd.ca "
    "DiscoveryIdentityConfig KubeAPIServerCAConfig.issuingCA KubeAggregatorCAConfig.issuingCA "
    "KubeServiceAccountConfig.issuer.privateKey KubeEtcdEncryptionConfig"
)

# Documents and fields of which a patch may add to Bedplate's, and may not take away or change what Bedplate wrote.
KEPT: dict[str, str] = {
    "": "talos.sysctls and machines.*.sysctls",
    "SysctlConfig": "talos.sysctls and machines.*.sysctls",
    "LinkAliasConfig": "machines.*.mac and machines.*.nics",
    "LinkConfig": "machines.*.address and machines.*.nics",
    "BondConfig": "machines.*.nics",
    "VLANConfig": "machines.*.nics",
    "BridgeConfig": "machines.*.nics",
    "RegistryMirrorConfig": "registries.mirrors",
    "RegistryTLSConfig": "registries.tls",
    "TrustedRootsConfig": "talos.trusted_roots",
    "UserVolumeConfig": "machines.*.volumes",
    "RawVolumeConfig": "machines.*.volumes",
    "WatchdogTimerConfig": "talos.watchdog and machines.*.watchdog",
    "ImageVerificationConfig": "talos.images",
}
"""Kind of document to the key that owns it. Of the large document, only machine.sysctls is kept."""
SYSCTLS = ("machine", "sysctls")


def owned() -> tuple[Owned, ...]:
    """Every field and document that a key of the stack file sets alone."""
    return _OWNED


def _row(owner: str, why: str, spelled: str, *, unseen: bool = False) -> Owned:
    head, *rest = spelled.split(".")
    if head[0].islower():
        return Owned("", (head, *rest), owner, why, unseen)
    return Owned(head, tuple(rest), owner, why, unseen)


_OWNED = (
    *(_row(owner, why, spelled) for owner, why, fields in _TABLE for spelled in fields.split()),
    *(
        _row(BEDPLATE, "the PKI in the stack's state has it, and another one locks machines out", spelled, unseen=True)
        for spelled in _PKI.split()
    ),
)
