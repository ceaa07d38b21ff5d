"""The rules of core/machineconfig/fields.py, derived from the types that Talos' own code reports."""

from collections.abc import Iterator

from core.machineconfig.rule import Rule
from tests.machineconfig.stacks import Shape

# Every kind of document of either release. The document with machine: and cluster: has no kind.
_KINDS = """
    BGPInstanceConfig BlackholeRouteConfig BondConfig BridgeConfig CRIBaseRuntimeSpecConfig CRICustomizationConfig
    ContainerConfig DHCPv4Config DHCPv6Config DiscoveryIdentityConfig DiscoveryServiceConfig DummyLinkConfig
    EnvironmentConfig EtcFileConfig EthernetConfig EventSinkConfig ExistingVolumeConfig ExtensionServiceConfig
    ExternalVolumeConfig FilesystemScrubConfig FilesystemTrimConfig HCloudVIPConfig HTTPProbeConfig HostnameConfig
    ImageCacheConfig ImageVerificationConfig KernelModuleConfig KmsgLogConfig KubeAPIServerCAConfig
    KubeAPIServerConfig KubeAdmissionControlConfig KubeAggregatorCAConfig KubeAuditPolicyConfig
    KubeAuthenticationConfig KubeAuthorizerConfig KubeClusterConfig KubeControllerManagerConfig KubeCoreDNSConfig
    KubeCredentialProviderConfig KubeEtcdEncryptionConfig KubeExternalManifestConfig KubeFlannelCNIConfig
    KubeInlineManifestConfig KubeNetworkConfig KubeNodeConfig KubePrismConfig KubeProxyConfig KubeSchedulerConfig
    KubeServiceAccountConfig KubeSpanConfig KubeSpanEndpointsConfig KubeStaticPodConfig KubeTalosAPIAccessConfig
    KubeletConfig LVMLogicalVolumeConfig LVMVolumeGroupConfig Layer2VIPConfig LinkAliasConfig LinkConfig
    NetworkDefaultActionConfig NetworkRuleConfig OOMConfig PCIDriverRebindConfig RAIDArrayConfig RawVolumeConfig
    RegistryAuthConfig RegistryMirrorConfig RegistryTLSConfig ResolverConfig RoutingRuleConfig SecurityProfileConfig
    SideroLinkConfig StaticHostConfig SwapVolumeConfig SysctlConfig SysfsConfig TCPProbeConfig TimeSyncConfig
    TrustedRootsConfig UdevRulesConfig UnattendedInstallConfig UserVolumeConfig VLANConfig VRFConfig VethConfig
    VolumeConfig WatchdogTimerConfig WireguardConfig ZswapConfig
"""
KINDS = _KINDS.split()
_BY_TYPE = {
    "meta.Args": Rule.FLAGS,
    "v1alpha1.Endpoint": Rule.URL,
    "meta.URL": Rule.URL,
    "block.Size": Rule.SIZE,
    "block.ByteSize": Rule.RESET,
    "cel.Expression": Rule.RESET,
    "v1alpha1.InstallDiskSizeMatcher": Rule.ONCE,
    "v1alpha1.Base64Bytes": Rule.EVEN_EMPTY,
    "x509.PEMEncodedCertificateAndKey": Rule.CERTIFICATE,
    "x509.PEMEncodedKey": Rule.CERTIFICATE,
    "time.Duration": Rule.DURATION,
    "v1alpha1.NetworkDeviceList": Rule.INTERFACES,
    "v1alpha1.VlanList": Rule.VLANS,
    "v1alpha1.AdmissionPluginConfigList": Rule.NAMED,
    "extensions.ConfigFileList": Rule.MOUNTED,
    "security.ImageVerificationRules": Rule.RULES,
}
_KEYED = {Rule.INTERFACES, Rule.VLANS, Rule.NAMED, Rule.MOUNTED, Rule.RULES}
_NUMBERS = ("int", "uint", "float")
FieldRule = tuple[str, Rule, str]
"""Path, rule, and the word that counts as unset, as `fields.rules` yields them."""


def rules(shape: Shape) -> set[FieldRule]:
    """The fields of one kind of document that are not merged by default."""
    return set(_walk((), shape))


def _walk(path: tuple[str, ...], shape: Shape) -> Iterator[FieldRule]:
    here = ".".join(path)
    rule = Rule.REPLACED if shape.get("replace") else _BY_TYPE.get(shape["type"])
    if rule is Rule.DURATION and shape.get("pointer"):
        return
    if rule:
        yield here, rule, ""
        if rule in _KEYED - {Rule.RULES}:
            yield from _walk((*path, "[]"), shape["elem"])
    elif shape["kind"] in ("struct", "map") and not shape.get("atom"):
        yield from _mapping(path, shape)
    elif shape["kind"] == "slice" and not shape.get("atom"):
        yield from ((here, listed, "") for listed in [_list_rule(shape)] if listed)
    elif shape["kind"] == "bool" and not shape.get("pointer"):
        yield here, Rule.RESET, ""
    elif shape["kind"].startswith(_NUMBERS) and not shape.get("pointer"):
        yield from _number(here, shape)


def _mapping(path: tuple[str, ...], shape: Shape) -> Iterator[FieldRule]:
    elem = shape.get("elem")
    if elem and elem["kind"] == "interface":
        yield ".".join(path), Rule.OPEN, ""
        return
    below = [rule for name, inner in (shape.get("fields") or {}).items() for rule in _walk((*path, name), inner)]
    yield from below
    # A value of a map is only there if its key is, so nothing resets it.
    if elem and elem["kind"] != "bool":
        yield from _walk((*path, "*"), elem)
    if path and not shape.get("pointer") and any(_reached(path, rule) for rule in below):
        yield ".".join(path), Rule.INLINE, ""


def _reached(path: tuple[str, ...], rule: FieldRule) -> bool:
    """Whether a field just below, or below other mappings that are reached, is one that a patch resets."""
    depth = len(rule[0].split("."))
    return rule[1] in (Rule.RESET, Rule.INLINE) and depth == len(path) + 1


def _list_rule(shape: Shape) -> Rule | None:
    elem = shape["elem"]
    if elem["type"] == "x509.PEMEncodedCertificate":
        return Rule.CERTIFICATES
    free = elem["kind"] in ("map", "interface") or elem["type"].endswith(".Unstructured")
    return Rule.OPEN if free else None


def _number(here: str, shape: Shape) -> Iterator[FieldRule]:
    word = shape.get("zero", "")
    if not word or word == "0o0":
        yield here, Rule.COUNT, ""
    elif "(" not in word:  # A value without a name can't be written.
        yield here, Rule.WORD, word
