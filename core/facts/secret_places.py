"""Where a document of machine config may hold a secret, for every kind of document.

A value at such a place may be encrypted in the stack file. Everywhere else it must be plain text, because policies
and people judge it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache

Path = tuple[str | int, ...]
"""Keys down to a value; an int is the position in a list."""


class Holds(Enum):
    """What a place holds."""

    SECRET = "secret"
    """Nothing but a secret: it must be encrypted."""
    TEXT = "text"
    """Text in which a secret may stand: it must be encrypted if it has one."""
    PKI = "pki"
    """A part of the cluster's PKI: no patch sets it."""


@dataclass(frozen=True)
class Place:
    """Places of one kind of document."""

    path: tuple[str, ...]
    """Keys. [] is any entry of a list, * any key of a mapping, and ** at the end everything below."""
    holds: Holds


# Source: Talos v1.12.0, pkg/machinery/config/types/v1alpha1 (a document without a kind).
LEGACY = ""
"""The kind of the document that has none: machine: and cluster:."""

# Source: core/model/cilium.py, the key of the stack file.
CHART = "cilium.values"
"""What stands for a kind where a path leads into the values of Cilium's chart."""

# A stack file may have fewer levels; the loader refuses others.
_MOST_LEVELS = 200
_DISK = {Holds.SECRET: "encryption.keys.[].static.passphrase"}
_POD_ENVIRONMENT = " ".join(
    f"{{0}}.spec.{each}.[].{place}"
    for each in ("containers", "initContainers")
    for place in ("env.[].value", "args.[]", "command.[]")
)
_PROVIDERS = "{0}.providers.[].env.[].value {0}.providers.[].args.[]"

# Source: cilium/cilium, install/kubernetes/cilium/templates at 1.19 and 1.20: what ends in a Secret, as base64.
_OF_THE_CHART = (
    "tls.ca.key hubble.relay.tls.server.key hubble.relay.tls.client.key hubble.ui.tls.client.key "
    "hubble.metrics.tls.server.key clustermesh.apiserver.tls.*.key clustermesh.config.clusters.*.tls.key "
    "clustermesh.config.clusters.[].tls.key"
)
# Source: Talos v1.12.0 and v1.14.1, pkg/machinery/config/types (the fields) and pkg/machinery/config/schemas.
_PLACES: Mapping[str, Mapping[Holds, str]] = {
    LEGACY: {
        Holds.SECRET: (
            "machine.registries.config.*.auth.password machine.registries.config.*.auth.auth "
            "machine.registries.config.*.auth.identityToken machine.registries.config.*.tls.clientIdentity.key "
            "machine.systemDiskEncryption.*.keys.[].static.passphrase "
            "machine.network.interfaces.[].wireguard.privateKey "
            "machine.network.interfaces.[].vip.hcloud.apiToken "
            "machine.network.interfaces.[].vip.equinixMetal.apiToken "
            "machine.network.interfaces.[].vlans.[].vip.hcloud.apiToken "
            "machine.network.interfaces.[].vlans.[].vip.equinixMetal.apiToken"
        ),
        Holds.TEXT: (
            "machine.files.[].content machine.env.* machine.logging.destinations.[].extraTags.* "
            "machine.registries.config.*.auth.username cluster.apiServer.env.* cluster.controllerManager.env.* "
            "cluster.scheduler.env.* cluster.extraManifestHeaders.* cluster.inlineManifests.[].contents "
            + _POD_ENVIRONMENT.format("machine.pods.[]")
            + " "
            + _PROVIDERS.format("machine.kubelet.credentialProviderConfig")
        ),
        Holds.PKI: (
            "machine.token machine.ca.key cluster.token cluster.secret cluster.secretboxEncryptionSecret "
            "cluster.aescbcEncryptionSecret cluster.ca.key cluster.aggregatorCA.key cluster.serviceAccount.key "
            "cluster.etcd.ca.key"
        ),
    },
    CHART: {Holds.SECRET: _OF_THE_CHART},
    "ContainerConfig": {Holds.TEXT: "environment.[] args.[] entrypoint.[]"},
    "CRICustomizationConfig": {Holds.TEXT: "content"},
    "DiscoveryIdentityConfig": {Holds.PKI: "clusterSecret"},
    "EnvironmentConfig": {Holds.TEXT: "variables.*"},
    "EtcFileConfig": {Holds.TEXT: "contents"},
    "ExtensionServiceConfig": {Holds.TEXT: "environment.[] configFiles.[].content"},
    "HCloudVIPConfig": {Holds.SECRET: "apiToken"},
    "KubeAggregatorCAConfig": {Holds.PKI: "issuingCA.key"},
    "KubeAPIServerCAConfig": {Holds.PKI: "issuingCA.key"},
    "KubeAPIServerConfig": {Holds.TEXT: "env.*"},
    "KubeControllerManagerConfig": {Holds.TEXT: "env.*"},
    "KubeCredentialProviderConfig": {Holds.TEXT: _PROVIDERS.format("configuration")},
    "KubeEtcdEncryptionConfig": {Holds.PKI: "config.**"},
    "KubeExternalManifestConfig": {Holds.TEXT: "headers.*"},
    "KubeInlineManifestConfig": {Holds.TEXT: "manifest"},
    "KubeSchedulerConfig": {Holds.TEXT: "env.*"},
    "KubeServiceAccountConfig": {Holds.PKI: "issuer.privateKey"},
    "KubeStaticPodConfig": {Holds.TEXT: _POD_ENVIRONMENT.format("pod")},
    "RawVolumeConfig": _DISK,
    "RegistryAuthConfig": {Holds.SECRET: "password auth identityToken", Holds.TEXT: "username"},
    "RegistryTLSConfig": {Holds.SECRET: "clientIdentity.key"},
    "SideroLinkConfig": {Holds.SECRET: "uniqueToken", Holds.TEXT: "apiUrl"},
    "SwapVolumeConfig": _DISK,
    "UserVolumeConfig": _DISK,
    "VolumeConfig": _DISK,
    "WireguardConfig": {Holds.SECRET: "privateKey peers.[].presharedKey"},
}

_NONE = """
    BGPInstanceConfig BlackholeRouteConfig BondConfig BridgeConfig CRIBaseRuntimeSpecConfig DHCPv4Config DHCPv6Config
    DiscoveryServiceConfig DummyLinkConfig EthernetConfig EventSinkConfig ExistingVolumeConfig ExternalVolumeConfig
    FilesystemScrubConfig FilesystemTrimConfig HTTPProbeConfig HostnameConfig ImageCacheConfig ImageVerificationConfig
    KernelModuleConfig KmsgLogConfig KubeAdmissionControlConfig KubeAuditPolicyConfig KubeAuthenticationConfig
    KubeAuthorizerConfig KubeClusterConfig KubeCoreDNSConfig KubeFlannelCNIConfig KubeNetworkConfig KubeNodeConfig
    KubePrismConfig KubeProxyConfig KubeSpanConfig KubeSpanEndpointsConfig KubeTalosAPIAccessConfig KubeletConfig
    LVMLogicalVolumeConfig LVMVolumeGroupConfig Layer2VIPConfig LinkAliasConfig LinkConfig NetworkDefaultActionConfig
    NetworkRuleConfig OOMConfig PCIDriverRebindConfig RAIDArrayConfig RegistryMirrorConfig ResolverConfig
    RoutingRuleConfig SecurityProfileConfig StaticHostConfig SysctlConfig SysfsConfig TCPProbeConfig TimeSyncConfig
    TrustedRootsConfig UdevRulesConfig UnattendedInstallConfig VLANConfig VRFConfig VethConfig WatchdogTimerConfig
    ZswapConfig
"""
# Source: the same fields as above.
NONE = frozenset(_NONE.split())
"""The kinds without such a place."""


@cache
def places(kind: str) -> tuple[Place, ...]:
    """The places of a kind of document that may hold a secret; none for a kind that is not known."""
    return tuple(
        Place(tuple(path.split(".")), holds) for holds, paths in _PLACES.get(kind, {}).items() for path in paths.split()
    )


def known_kinds() -> frozenset[str]:
    """Every kind of document that the table knows, without the one that has no kind."""
    return frozenset(_PLACES) - {LEGACY, CHART} | NONE


def holds(kind: str, path: Path) -> Holds | None:
    """What the place at a path of a document may hold; None if it may hold no secret."""
    return next((place.holds for place in places(kind) if matches(place.path, path)), None)


def matches(pattern: Sequence[str], path: Path) -> bool:
    """Whether a path is one of those that a pattern describes: see Place."""
    if not pattern:
        return not path
    if pattern[-1] == "**":
        return len(path) >= len(pattern) and matches(pattern[:-1], path[: len(pattern) - 1])
    return len(pattern) == len(path) and all(map(_fits, pattern, path))


def _fits(part: str, key: str | int) -> bool:
    return isinstance(key, int) if part == "[]" else part in ("*", key)


def texts(value: object, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Path and text of each text in a value; an int in a path is the position in a list."""
    if isinstance(value, str):
        yield path, value
    elif len(path) > _MOST_LEVELS:
        return
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from texts(inner, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from texts(inner, (*path, index))
