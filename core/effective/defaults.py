"""What Talos takes for a field that a config does not set: such a field means the same where it is written out.

Source: siderolabs/talos, pkg/machinery/config/types at v1.12.0 and v1.14.1: the methods that read each field.
"""

from collections.abc import Mapping

from core.facts.ports import KUBEPRISM, KUBERNETES_API

Path = tuple[str, ...]

# Kind of document to the fields whose default is false. [] is any entry of a list, * any key of a mapping.
_FALSE = {
    "": (
        "debug machine.kubelet.defaultRuntimeSeccompProfileEnabled machine.kubelet.registerWithFQDN "
        "machine.kubelet.skipNodeRegistration machine.kubelet.disableManifestsDirectory "
        "machine.features.diskQuotaSupport machine.features.stableHostname machine.features.kubePrism.enabled "
        "machine.features.hostDNS.enabled machine.features.hostDNS.forwardKubeDNSToHost "
        "machine.features.hostDNS.resolveMemberNames machine.features.imageCache.localEnabled "
        "machine.features.kubernetesTalosAPIAccess.enabled machine.network.disableSearchDomain "
        "machine.network.kubespan.enabled machine.network.kubespan.allowDownPeerBypass "
        "machine.network.kubespan.advertiseKubernetesNetworks machine.network.kubespan.harvestExtraEndpoints "
        "machine.time.disabled machine.install.wipe machine.install.legacyBIOSSupport "
        "machine.install.grubUseUKICmdline machine.controlPlane.controllerManager.disabled "
        "machine.controlPlane.scheduler.disabled machine.registries.config.*.tls.insecureSkipVerify "
        "machine.registries.mirrors.*.overridePath machine.registries.mirrors.*.skipFallback "
        "cluster.allowSchedulingOnControlPlanes cluster.externalCloudProvider.enabled cluster.proxy.disabled "
        "cluster.coreDNS.disabled cluster.discovery.enabled cluster.discovery.registries.kubernetes.disabled "
        "cluster.discovery.registries.service.disabled"
    ),
    "ExistingVolumeConfig": "mount.readOnly mount.disableAccessTime",
    "ExternalVolumeConfig": "mount.readOnly mount.disableAccessTime",
    "KubeNodeConfig": "skipNodeRegistration registerWithFQDN",
    "KubeSpanConfig": "enabled advertiseKubernetesNetworks allowDownPeerBypass harvestExtraEndpoints",
    "KubeletConfig": "defaultRuntimeSeccompProfileEnabled",
    "RegistryMirrorConfig": "skipFallback endpoints.[].overridePath",
    "RegistryTLSConfig": "insecureSkipVerify",
    "ResolverConfig": (
        "searchDomains.disableDefault hostDNS.enabled hostDNS.forwardKubeDNSToHost hostDNS.resolveMemberNames"
    ),
    "SecurityProfileConfig": "workloadIsolation",
    "UserVolumeConfig": "mount.disableAccessTime filesystem.projectQuotaSupport",
    "VolumeConfig": "mount.disableAccessTime encryption.keys.[].lockToState",
    "ZswapConfig": "shrinkerEnabled",
}
# The same for fields whose default is true.
_TRUE = {
    # No release from v1.12 on reads these two of the large document.
    "": "machine.features.rbac cluster.apiServer.disablePodSecurityPolicy",
    "KubeAPIServerConfig": "startupProbes",
    "KubeControllerManagerConfig": "enabled",
    "KubeCoreDNSConfig": "enabled",
    "KubeProxyConfig": "enabled",
    "KubeSchedulerConfig": "enabled",
    "TimeSyncConfig": "enabled",
    "UnattendedInstallConfig": "provisioning.wipe",
    "UserVolumeConfig": "mount.secure",
    "VolumeConfig": "mount.secure",
}
_NUMBERS: dict[tuple[str, Path], object] = {
    ("", ("cluster", "controlPlane", "localAPIServerPort")): KUBERNETES_API,
    ("", ("machine", "features", "kubePrism", "port")): KUBEPRISM,
    ("KubeAPIServerConfig", ("apiPort",)): KUBERNETES_API,
}


def _paths(fields: Mapping[str, str], value: object) -> dict[tuple[str, Path], object]:
    return {(kind, tuple(path.split("."))): value for kind, paths in fields.items() for path in paths.split()}


UNSET: Mapping[tuple[str, Path], object] = {**_paths(_FALSE, False), **_paths(_TRUE, True), **_NUMBERS}
"""Kind of document (empty for the large one) and path of a field to what Talos takes where it is not set."""
