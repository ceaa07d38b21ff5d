"""The fields of machine configs that Talos does not merge in the default way.

The default: a patch's scalar overwrites unless it is null or an empty string, a list is appended, and a mapping is
merged key by key. Which fields differ follows from the Go types in Talos' source. A test reads those types out of two
Talos releases and compares them with this table, in both directions.
"""

from collections.abc import Iterator
from functools import cache

from core.facts.versions import Minor

from .rule import Field, Rule

# Rule -> kind of document ("" is the one with machine: and cluster:) -> paths, separated by spaces.
# Source: Talos v1.12.0 and v1.14.1, pkg/machinery/config/types and config/merge/merge.go.
_PATHS: dict[Rule, dict[str, str]] = {
    Rule.COUNT: {
        "": (
            "cluster.controlPlane.localAPIServerPort machine.features.kubePrism.port "
            "machine.network.interfaces.[].bond.adActorSysPrio machine.network.interfaces.[].bond.adUserPortKey "
            "machine.network.interfaces.[].bond.allSlavesActive machine.network.interfaces.[].bond.arpInterval "
            "machine.network.interfaces.[].bond.downdelay machine.network.interfaces.[].bond.lpInterval "
            "machine.network.interfaces.[].bond.miimon machine.network.interfaces.[].bond.minLinks "
            "machine.network.interfaces.[].bond.numPeerNotif machine.network.interfaces.[].bond.packetsPerSlave "
            "machine.network.interfaces.[].bond.peerNotifyDelay machine.network.interfaces.[].bond.resendIgmp "
            "machine.network.interfaces.[].bond.tlbDynamicLb machine.network.interfaces.[].bond.updelay "
            "machine.network.interfaces.[].dhcpOptions.routeMetric machine.network.interfaces.[].mtu "
            "machine.network.interfaces.[].vlans.[].dhcpOptions.routeMetric "
            "machine.network.interfaces.[].vlans.[].mtu machine.network.interfaces.[].vlans.[].vlanId "
            "machine.network.interfaces.[].wireguard.firewallMark "
            "machine.network.interfaces.[].wireguard.listenPort machine.systemDiskEncryption.ephemeral.blockSize "
            "machine.systemDiskEncryption.ephemeral.keySize machine.systemDiskEncryption.state.blockSize "
            "machine.systemDiskEncryption.state.keySize"
        ),
        "BGPInstanceConfig": "localASN maxPaths",
        "BlackholeRouteConfig": "metric",
        "BondConfig": "mtu",
        "BridgeConfig": "mtu",
        "DHCPv4Config": "routeMetric",
        "DHCPv6Config": "routeMetric",
        "DummyLinkConfig": "mtu",
        "EtcFileConfig": "mode",
        "HTTPProbeConfig": "failureThreshold",
        "KubeFlannelCNIConfig": "backendMTU backendPort",
        "KubeNetworkConfig": "nodeCIDRMaskSizeIPv4 nodeCIDRMaskSizeIPv6",
        "KubePrismConfig": "port",
        "LinkConfig": "mtu",
        "RawVolumeConfig": "encryption.blockSize encryption.keySize",
        "RoutingRuleConfig": "fwMark fwMask",
        "SwapVolumeConfig": "encryption.blockSize encryption.keySize",
        "TCPProbeConfig": "failureThreshold",
        "UserVolumeConfig": "encryption.blockSize encryption.keySize",
        "VLANConfig": "mtu vlanID",
        "VRFConfig": "mtu",
        "VethConfig": "mtu peer.mtu",
        "VolumeConfig": "encryption.blockSize encryption.keySize",
        "WireguardConfig": "firewallMark listenPort mtu",
    },
    Rule.DURATION: {
        "": "cluster.adminKubeconfig.certLifetime machine.time.bootTimeout",
        "ExistingVolumeConfig": "scrub.interval trim.interval",
        "FilesystemScrubConfig": "interval",
        "FilesystemTrimConfig": "interval",
        "HTTPProbeConfig": "interval timeout",
        "OOMConfig": "sampleInterval",
        "TCPProbeConfig": "interval timeout",
        "TimeSyncConfig": "bootTimeout",
        "UserVolumeConfig": "scrub.interval trim.interval",
        "VolumeConfig": "scrub.interval trim.interval",
        "WatchdogTimerConfig": "timeout",
    },
    Rule.OPEN: {
        "": (
            "cluster.apiServer.admissionControl.[].configuration cluster.apiServer.resources.limits "
            "cluster.apiServer.resources.requests cluster.controllerManager.resources.limits "
            "cluster.controllerManager.resources.requests cluster.scheduler.config "
            "cluster.scheduler.resources.limits cluster.scheduler.resources.requests "
            "machine.baseRuntimeSpecOverrides machine.kubelet.credentialProviderConfig "
            "machine.kubelet.extraConfig machine.pods"
        ),
        "KubeAPIServerConfig": "resources.limits resources.requests",
        "KubeAdmissionControlConfig": "configuration",
        "KubeAuthorizerConfig": "webhook",
        "KubeControllerManagerConfig": "resources.limits resources.requests",
        "KubeEtcdEncryptionConfig": "config",
        "KubeFlannelCNIConfig": "backendExtraConfig resources.limits resources.requests",
        "KubeProxyConfig": "config resources.limits resources.requests",
        "KubeSchedulerConfig": "config resources.limits resources.requests",
        "KubeletConfig": "config",
    },
    Rule.REPLACED: {
        "": "cluster.apiServer.auditPolicy cluster.network.podSubnets cluster.network.serviceSubnets",
        "BGPInstanceConfig": "advertise importRoutes neighbors",
        "CRIBaseRuntimeSpecConfig": "overrides",
        "KubeAuditPolicyConfig": "configuration",
        "KubeAuthenticationConfig": "configuration",
        "KubeCredentialProviderConfig": "configuration",
        "KubeNetworkConfig": "podSubnets serviceSubnets",
        "KubeStaticPodConfig": "pod",
        "NetworkRuleConfig": "ingress portSelector.ports",
    },
    Rule.CERTIFICATE: {
        "": (
            "cluster.aggregatorCA cluster.ca cluster.etcd.ca cluster.serviceAccount machine.ca "
            "machine.registries.config.*.tls.clientIdentity"
        ),
    },
    Rule.CERTIFICATES: {"": "cluster.acceptedCAs machine.acceptedCAs"},
    Rule.EVEN_EMPTY: {
        "": "machine.registries.config.*.tls.ca",
    },
    Rule.FLAGS: {
        "KubeAPIServerConfig": "extraArgs",
        "KubeControllerManagerConfig": "extraArgs",
        "KubeProxyConfig": "extraArgs",
        "KubeSchedulerConfig": "extraArgs",
        "KubeletConfig": "extraArgs",
    },
    Rule.URL: {
        "": "cluster.controlPlane.endpoint",
        "DiscoveryServiceConfig": "endpoint",
        "HTTPProbeConfig": "url",
        "KmsgLogConfig": "url",
        "KubeClusterConfig": "endpoint",
        "KubeExternalManifestConfig": "url",
        "KubeServiceAccountConfig": "issuer.issuerURL",
        "SideroLinkConfig": "apiUrl",
    },
    Rule.SIZE: {
        "LVMLogicalVolumeConfig": "provisioning.maxSize",
        "RawVolumeConfig": "provisioning.maxSize",
        "SwapVolumeConfig": "provisioning.maxSize",
        "UserVolumeConfig": "provisioning.maxSize",
        "VolumeConfig": "provisioning.maxSize",
    },
    Rule.ONCE: {
        "": "machine.install.diskSelector.size",
    },
    Rule.RESET: {
        "ContainerConfig": "security.machinedAccess",
        "ExistingVolumeConfig": "discovery.volumeSelector.match",
        "LVMLogicalVolumeConfig": "provisioning.minSize",
        "LVMVolumeGroupConfig": "provisioning.volumeSelector.match",
        "LinkAliasConfig": "selector.match",
        "OOMConfig": "cgroupRankingExpression triggerExpression",
        "RAIDArrayConfig": "provisioning.volumeSelector.match",
        "RawVolumeConfig": "provisioning.diskSelector.match provisioning.minSize",
        "SwapVolumeConfig": "provisioning.diskSelector.match provisioning.minSize",
        "UnattendedInstallConfig": "provisioning.diskSelector.match",
        "UserVolumeConfig": (
            "filesystem.xfs.minAllocationGroupSize provisioning.diskSelector.match provisioning.minSize"
        ),
        "VolumeConfig": ("filesystem.xfs.minAllocationGroupSize provisioning.diskSelector.match provisioning.minSize"),
    },
    Rule.INLINE: {
        "ExistingVolumeConfig": "discovery discovery.volumeSelector",
        "LVMLogicalVolumeConfig": "provisioning",
        "LVMVolumeGroupConfig": "provisioning provisioning.volumeSelector",
        "LinkAliasConfig": "selector",
        "RAIDArrayConfig": "provisioning provisioning.volumeSelector",
        "RawVolumeConfig": "provisioning provisioning.diskSelector",
        "SwapVolumeConfig": "provisioning provisioning.diskSelector",
        "UnattendedInstallConfig": "provisioning provisioning.diskSelector",
        "UserVolumeConfig": "provisioning provisioning.diskSelector",
        "VolumeConfig": "provisioning provisioning.diskSelector",
    },
    Rule.NAMED: {
        "": "cluster.apiServer.admissionControl",
    },
    Rule.INTERFACES: {
        "": "machine.network.interfaces",
    },
    Rule.VLANS: {
        "": "machine.network.interfaces.[].vlans",
    },
    Rule.MOUNTED: {
        "ExtensionServiceConfig": "configFiles",
    },
    Rule.RULES: {
        "ImageVerificationConfig": "rules",
    },
}
# Word that Talos takes for unset -> kind of document -> paths.
_WORDS: dict[str, dict[str, str]] = {
    "none": {
        "ExternalVolumeConfig": "filesystemType",
        "RawVolumeConfig": "encryption.provider",
        "SwapVolumeConfig": "encryption.provider",
        "UserVolumeConfig": "encryption.provider filesystem.type",
        "VolumeConfig": "encryption.provider",
    },
    "linear": {
        "LVMLogicalVolumeConfig": "type",
    },
    "accept": {
        "NetworkDefaultActionConfig": "ingress",
    },
    "raid1": {
        "RAIDArrayConfig": "level",
    },
    "1.0": {
        "RAIDArrayConfig": "metadata",
    },
    "unspec": {
        "RoutingRuleConfig": "action table",
        "VRFConfig": "table",
    },
}
# Fields that v1.12 still merges in the default way.
_SINCE_1_14: dict[Rule, dict[str, str]] = {
    Rule.FLAGS: {
        "": (
            "cluster.apiServer.extraArgs cluster.controllerManager.extraArgs cluster.etcd.extraArgs "
            "cluster.proxy.extraArgs cluster.scheduler.extraArgs machine.kubelet.extraArgs"
        ),
    },
    Rule.REPLACED: {"ResolverConfig": "searchDomains.domains"},
}


def rules(kind: str, release: Minor) -> Iterator[tuple[str, Rule, str]]:
    """Path, rule and unset word (or empty) of each field of that kind that is not merged in the default way."""
    for table in (_PATHS, *([_SINCE_1_14] if release >= (1, 14) else [])):
        for rule, kinds in table.items():
            yield from ((path, rule, "") for path in kinds.get(kind, "").split())
    for word, kinds in _WORDS.items():
        yield from ((path, Rule.WORD, word) for path in kinds.get(kind, "").split())


@cache
def fields(kind: str, release: Minor) -> Field:
    """The same fields as a tree. `kind` is "" for the document that holds machine: and cluster:."""
    return _tree([(tuple(path.split(".")), rule, word) for path, rule, word in rules(kind, release)])


def _tree(paths: list[tuple[tuple[str, ...], Rule, str]]) -> Field:
    own = next(((rule, word) for path, rule, word in paths if not path), (Rule.DEFAULT, ""))
    below: dict[str, list[tuple[tuple[str, ...], Rule, str]]] = {}
    for path, rule, word in paths:
        if path:
            below.setdefault(path[0], []).append((path[1:], rule, word))
    return Field(*own, {key: _tree(inner) for key, inner in below.items()})
