"""The kubelet's flags and its KubeletConfiguration.

Source: siderolabs/talos, internal/app/machined/pkg/controllers/k8s: kubelet_spec.go and kubelet_config.go, and
pkg/machinery/kubelet at v1.12 to v1.14.
"""

import copy
from collections.abc import Mapping
from typing import Any, Literal

from core.facts.node_labels import CONTROL_PLANE
from core.facts.versions import Minor
from core.machineconfig.documents.cluster import DNS_DOMAIN
from core.machineconfig.documents.kubelet import RESERVED_MEMORY

from .addresses import Address, networks
from .flags import Program, policies, program
from .section import Config, Section, at

_FLAGS = {
    "config": "/etc/kubernetes/kubelet.yaml",
    "cert-dir": "/var/lib/kubelet/pki",
}
_REGISTERS = {
    "bootstrap-kubeconfig": "/etc/kubernetes/bootstrap-kubeconfig",
    "kubeconfig": "/etc/kubernetes/kubeconfig-kubelet",
}
_CREDENTIALS = {
    "image-credential-provider-bin-dir": "/usr/local/lib/kubelet/credentialproviders",
    "image-credential-provider-config": "/etc/kubernetes/kubelet-credentialproviderconfig.yaml",
}
_RULES = policies(
    denied=("bootstrap-kubeconfig", "kubeconfig", "container-runtime", "container-runtime-endpoint", "config",
            "cert-dir"),
)  # fmt: skip
# Fields that Talos refuses in a machine's config, because it sets them itself.
LOCKED = frozenset({
    "apiVersion", "authentication", "authorization", "cgroupRoot", "kind", "kubeletCgroups", "port",
    "protectKernelDefaults", "resolvConf", "rotateCertificates", "systemCgroups", "staticPodPath",
})  # fmt: skip
_OWN: dict[str, Any] = {
    "apiVersion": "kubelet.config.k8s.io/v1beta1",
    "kind": "KubeletConfiguration",
    "port": 10250,
    "authentication": {
        "x509": {"clientCAFile": "/etc/kubernetes/pki/ca.crt"},
        "webhook": {"enabled": True},
        "anonymous": {"enabled": False},
    },
    "authorization": {"mode": "Webhook"},
    "cgroupRoot": "/",
    "systemCgroups": "/system",
    "kubeletCgroups": "/podruntime/kubelet",
    "rotateCertificates": True,
    "protectKernelDefaults": True,
    "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
    "resolvConf": "/system/resolved/resolv.conf",
}
# Where the config sets nothing, or a zero where Talos takes a zero for unset.
_DEFAULTS: dict[str, Any] = {
    "address": "0.0.0.0",
    "oomScoreAdj": -450,
    "serializeImagePulls": False,
    "failSwapOn": False,
    "streamingConnectionIdleTimeout": "5m0s",
    "tlsMinVersion": "VersionTLS13",
    "shutdownGracePeriod": "30s",
    "shutdownGracePeriodCriticalPods": "10s",
}
# Of these, a zero that is written out counts.
_ZERO_COUNTS = frozenset({
    "oomScoreAdj", "serializeImagePulls", "failSwapOn", "shutdownGracePeriod", "shutdownGracePeriodCriticalPods",
})  # fmt: skip
_ZEROS: tuple[Any, ...] = (None, "", 0, "0", "0s", [], {})


def section(config: Config) -> Section:
    """The kubelet's section of the config."""
    return config.section("KubeletConfig", "machine", "kubelet")


def settings_path(config: Config) -> tuple[str, ...]:
    """The path of the settings within the kubelet's section."""
    return ("config",) if config.has("KubeletConfig") else ("extraConfig",)


def kubelet(config: Config, name: str, addresses: list[Address], origin: str) -> Program:
    """The kubelet's flags. name: the machine's. addresses: its node's. origin: names the Talos release."""
    ips = (",".join(map(str, addresses)),) if addresses else ()
    own: dict[str, tuple[str, ...]] = {"hostname-override": (name,), "node-ip": ips}
    own |= {flag: (value,) for flag, value in _FLAGS.items()}
    if not _node(config).get("skipNodeRegistration"):
        own |= {flag: (value,) for flag, value in _REGISTERS.items()}
    if config.section("", "cluster", "externalCloudProvider").get("enabled"):
        own["cloud-provider"] = ("external",)
    made = program("kubelet", own, section(config).flags("extraArgs"), _RULES, origin)
    if config.has("KubeCredentialProviderConfig") or section(config).get("credentialProviderConfig"):
        # Talos sets these after the config's flags.
        last = program("kubelet", {flag: (value,) for flag, value in _CREDENTIALS.items()}, {}, {}, origin)
        made = Program(made.name, {**made.flags, **last.flags}, made.denied)
    return made


def settings(config: Config, release: Minor, role: Literal["controlplane", "worker"]) -> dict[str, Any]:
    """The KubeletConfiguration that Talos writes for a machine, by field, without the address of its static pods."""
    written = copy.deepcopy(dict(section(config).mapping(*settings_path(config))))
    made = {key: value for key, value in written.items() if key not in LOCKED} | copy.deepcopy(_OWN)
    for key, default in _DEFAULTS.items():
        if key in _ZERO_COUNTS:
            made[key] = default if written.get(key) is None else written[key]
        elif written.get(key) in _ZEROS:
            made[key] = default
    if not made.get("systemReserved"):
        made["systemReserved"] = {
            "cpu": "50m", "pid": "100", "ephemeral-storage": "256Mi", "memory": RESERVED_MEMORY[role]
        }  # fmt: skip
    made["logging"] = {**_mapping(made.get("logging")), "format": at(made, "logging", "format") or "json"}
    _addresses(config, made)
    _hardening(config, made)
    _taints(config, release, role, made)
    return made


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _node(config: Config) -> Section:
    return config.section("KubeNodeConfig", "machine", "kubelet")


def _addresses(config: Config, made: dict[str, Any]) -> None:
    """The cluster's domain and its DNS server, the tenth address of the services."""
    network = config.section("KubeNetworkConfig", "cluster", "network")
    made["clusterDomain"] = made.get("clusterDomain") or network.get("dnsDomain") or DNS_DOMAIN
    if not made.get("clusterDNS"):
        services = networks(network.texts("serviceSubnets"))
        own = [str(each.network_address + 10) for each in services]
        made["clusterDNS"] = section(config).texts("clusterDNS") or own


def _hardening(config: Config, made: dict[str, Any]) -> None:
    if section(config).get("defaultRuntimeSeccompProfileEnabled"):
        made["seccompDefault"] = True
    if not config.has("KubeletConfig") and not section(config).get("disableManifestsDirectory"):
        made["staticPodPath"] = "/etc/kubernetes/manifests"
    if config.section("", "machine", "features").get("diskQuotaSupport"):
        gates = _mapping(made.get("featureGates"))
        made["featureGates"] = {"LocalStorageCapacityIsolationFSQuotaMonitoring": True, **gates}
    if _node(config).get("skipNodeRegistration"):
        made["authentication"]["webhook"]["enabled"] = False
        made["authorization"] = {"mode": "AlwaysAllow"}


def _taints(config: Config, release: Minor, role: str, made: dict[str, Any]) -> None:
    """The taints with which the node is registered."""
    if _node(config).get("skipNodeRegistration") or "register-with-taints" in section(config).flags("extraArgs"):
        return
    given = made.get("registerWithTaints")
    present = list(given) if isinstance(given, list) else []
    known = {at(taint, "key") for taint in present}
    wanted = _wanted_taints(config, release, role)
    present += [_taint(key, str(value or "")) for key, value in wanted.items() if key not in known]
    if release >= (1, 14):
        present.sort(key=lambda taint: str(at(taint, "key")))
    if present:
        made["registerWithTaints"] = present


def _wanted_taints(config: Config, release: Minor, role: str) -> dict[str, Any]:
    if config.has("KubeNodeConfig"):
        return dict(config.section("KubeNodeConfig").mapping("taints"))
    scheduled = config.section("", "cluster").get("allowSchedulingOnControlPlanes")
    own = {CONTROL_PLANE: "NoSchedule"} if role == "controlplane" and not scheduled else {}
    # Before v1.14, other taints are set once the node is registered.
    return {**config.section("", "machine").mapping("nodeTaints"), **own} if release >= (1, 14) else own


def _taint(key: str, written: str) -> dict[str, str]:
    """A taint as the kubelet has it; a config writes value:effect, or the effect alone."""
    value, _, effect = written.rpartition(":")
    return {"key": key, "effect": effect, **({"value": value} if value else {})}
