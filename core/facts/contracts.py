"""Which documents of machine config exist from which contract on, and which fields they replace."""

from collections.abc import Mapping

from .versions import Minor, spell

# Source: siderolabs/talos, pkg/machinery/config/types at v1.12 and v1.14.
KINDS: dict[str, Minor] = {
    kind: since
    for since, kinds in {
        (1, 12): """
            KubeSpanEndpointsConfig NetworkDefaultActionConfig NetworkRuleConfig VolumeConfig EventSinkConfig
            KmsgLogConfig WatchdogTimerConfig TrustedRootsConfig ExtensionServiceConfig SideroLinkConfig
            EthernetConfig UserVolumeConfig PCIDriverRebindConfig ExistingVolumeConfig RawVolumeConfig
            SwapVolumeConfig ZswapConfig LinkConfig BondConfig BridgeConfig VLANConfig DHCPv4Config DHCPv6Config
            DummyLinkConfig WireguardConfig LinkAliasConfig Layer2VIPConfig HCloudVIPConfig HostnameConfig
            ResolverConfig StaticHostConfig TimeSyncConfig RegistryMirrorConfig RegistryAuthConfig RegistryTLSConfig
            OOMConfig
        """,
        (1, 13): """
            EnvironmentConfig KubeSpanConfig ImageVerificationConfig ExternalVolumeConfig VRFConfig RoutingRuleConfig
            BlackholeRouteConfig TCPProbeConfig
        """,
        (1, 14): """
            KubeAdmissionControlConfig KubeAggregatorCAConfig KubeAPIServerCAConfig KubeAPIServerConfig
            KubeAuditPolicyConfig KubeAuthenticationConfig KubeAuthorizerConfig KubeClusterConfig
            KubeControllerManagerConfig KubeCoreDNSConfig KubeCredentialProviderConfig KubeEtcdEncryptionConfig
            KubeExternalManifestConfig KubeFlannelCNIConfig KubeInlineManifestConfig KubeletConfig KubeNetworkConfig
            KubeNodeConfig KubePrismConfig KubeProxyConfig KubeSchedulerConfig KubeServiceAccountConfig
            KubeStaticPodConfig KubeTalosAPIAccessConfig UnattendedInstallConfig SysctlConfig SysfsConfig
            KernelModuleConfig UdevRulesConfig EtcFileConfig CRICustomizationConfig CRIBaseRuntimeSpecConfig
            ImageCacheConfig DiscoveryServiceConfig DiscoveryIdentityConfig SecurityProfileConfig
            FilesystemTrimConfig FilesystemScrubConfig LVMVolumeGroupConfig LVMLogicalVolumeConfig RAIDArrayConfig
            BGPInstanceConfig VethConfig HTTPProbeConfig
        """,
    }.items()
    for kind in kinds.split()
}
"""Kind of document to the contract from which Talos has it."""

# Source: siderolabs/talos, pkg/machinery/config/types/runtime at v1.14: hostPath mounts, machinedAccess, capabilities.
UNJUDGED = {
    "ContainerConfig": (
        "it runs a container beside Kubernetes, and no policy judges its folders and rights on the machine",
        "run it as a workload of Kubernetes",
    )
}
"""Kind of document that Talos has and Bedplate refuses: why, and what to do instead."""

# Source: Talos documentation, configuration reference (document map).
REPLACED: dict[Minor, dict[str, tuple[str, ...]]] = {
    (1, 12): {
        "machine.network.hostname": ("HostnameConfig",),
        "machine.network.nameservers": ("ResolverConfig",),
        "machine.network.searchDomains": ("ResolverConfig",),
        "machine.network.interfaces": ("LinkConfig", "BondConfig", "VLANConfig", "BridgeConfig", "Layer2VIPConfig"),
        "machine.network.extraHostEntries": ("StaticHostConfig",),
        "machine.time": ("TimeSyncConfig",),
        "machine.registries": ("RegistryMirrorConfig", "RegistryTLSConfig", "RegistryAuthConfig"),
        "machine.systemDiskEncryption": ("VolumeConfig",),
        "machine.disks": ("UserVolumeConfig",),
        "machine.features.stableHostname": ("HostnameConfig",),
    },
    (1, 13): {"machine.env": ("EnvironmentConfig",), "machine.network.kubespan": ("KubeSpanConfig",)},
    (1, 14): {
        "machine.install": ("UnattendedInstallConfig",),
        "machine.kubelet": ("KubeletConfig", "KubeNodeConfig"),
        "machine.nodeLabels": ("KubeNodeConfig",),
        "machine.nodeAnnotations": ("KubeNodeConfig",),
        "machine.nodeTaints": ("KubeNodeConfig",),
        "machine.sysctls": ("SysctlConfig",),
        "machine.sysfs": ("SysfsConfig",),
        "machine.kernel": ("KernelModuleConfig",),
        "machine.udev": ("UdevRulesConfig",),
        "machine.files": ("CRICustomizationConfig", "EtcFileConfig"),
        "machine.features.kubePrism": ("KubePrismConfig",),
        "machine.features.hostDNS": ("ResolverConfig",),
        "machine.features.imageCache": ("ImageCacheConfig",),
        "machine.features.kubernetesTalosAPIAccess": ("KubeTalosAPIAccessConfig",),
        "machine.pods": ("KubeStaticPodConfig",),
        "cluster.id": ("DiscoveryIdentityConfig",),
        "cluster.secret": ("DiscoveryIdentityConfig",),
        "cluster.clusterName": ("KubeClusterConfig",),
        "cluster.controlPlane": ("KubeClusterConfig", "KubeAPIServerConfig"),
        "cluster.network": ("KubeNetworkConfig", "KubeFlannelCNIConfig"),
        "cluster.ca": ("KubeAPIServerCAConfig",),
        "cluster.aggregatorCA": ("KubeAggregatorCAConfig",),
        "cluster.serviceAccount": ("KubeServiceAccountConfig",),
        "cluster.apiServer": ("KubeAPIServerConfig", "KubeAdmissionControlConfig", "KubeAuditPolicyConfig"),
        "cluster.controllerManager": ("KubeControllerManagerConfig",),
        "cluster.scheduler": ("KubeSchedulerConfig",),
        "cluster.proxy": ("KubeProxyConfig",),
        "cluster.coreDNS": ("KubeCoreDNSConfig",),
        "cluster.discovery": ("DiscoveryServiceConfig", "DiscoveryIdentityConfig"),
        "cluster.inlineManifests": ("KubeInlineManifestConfig",),
        "cluster.extraManifests": ("KubeExternalManifestConfig",),
        "cluster.secretboxEncryptionSecret": ("KubeEtcdEncryptionConfig",),
        "cluster.aescbcEncryptionSecret": ("KubeEtcdEncryptionConfig",),
        "cluster.allowSchedulingOnControlPlanes": ("KubeNodeConfig",),
    },
}
"""Contract to the fields of the large document that it replaces: dotted path to the kinds that set it instead."""

# Source: siderolabs/talos, pkg/machinery/config/types at v1.14.1.
MOVED: dict[str, tuple[str, str]] = {
    "machine.env": ("EnvironmentConfig", "variables"),
    "machine.kubelet.extraConfig": ("KubeletConfig", "config"),
    "machine.kubelet.credentialProviderConfig": ("KubeCredentialProviderConfig", "configuration"),
    "machine.kubelet.nodeIP": ("KubeNodeConfig", "nodeIP"),
    "machine.kubelet.registerWithFQDN": ("KubeNodeConfig", "registerWithFQDN"),
    "machine.kubelet.skipNodeRegistration": ("KubeNodeConfig", "skipNodeRegistration"),
    "machine.nodeAnnotations": ("KubeNodeConfig", "annotations"),
    "machine.sysfs": ("SysfsConfig", "params"),
    "cluster.apiServer.admissionControl": ("KubeAdmissionControlConfig", "configuration"),
    "cluster.apiServer.auditPolicy": ("KubeAuditPolicyConfig", "configuration"),
    "cluster.apiServer.certSANs": ("KubeAPIServerConfig", "certExtraSANs"),
}
"""Fields of the large document whose name or document is not the obvious one: dotted path to kind and field."""


def replaced(contract: Minor) -> dict[str, tuple[str, ...]]:
    """Fields that a config of this contract sets by documents: dotted path to the kinds of document."""
    return {path: kinds for since, fields in REPLACED.items() if since <= contract for path, kinds in fields.items()}


def given(document: object, path: str) -> bool:
    """Whether a document has a value at a dotted path."""
    at = document
    for key in path.split("."):
        if not isinstance(at, Mapping) or key not in at:
            return False
        at = at[key]
    return True


def skipped(was: Minor, now: Minor) -> str | None:
    """Why a platform may not change from one contract to a later one at once, and what to write; None if it may."""
    following = (was[0], was[1] + 1)
    if now <= following:
        return None
    return (
        f"talos.contract goes from v{spell(was)} to v{spell(now)} and skips v{spell(following)}; a change of contract "
        f"is tested from the one before; write v{spell(following)}, run up, then write v{spell(now)}"
    )
