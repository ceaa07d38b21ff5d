"""The flags of the API server, the controller manager and the scheduler, which Talos runs as static pods.

Source: siderolabs/talos, internal/app/machined/pkg/controllers/k8s: control_plane_static_pod.go at v1.12 and v1.13,
control_plane_final.go at v1.14. Written for Kubernetes v1.30 and later, which is what these releases run.
"""

from collections.abc import Iterator

from core.facts.networks import NODE_PREFIX
from core.facts.ports import KUBERNETES_API
from core.facts.versions import Minor, minor

from .addresses import Address, networks
from .flags import Policy, Program, policies, program
from .section import Config

_API = "/system/secrets/kubernetes/kube-apiserver"
_API_CONFIG = "/system/config/kubernetes/kube-apiserver"
_MANAGER = "/system/secrets/kubernetes/kube-controller-manager"
_SCHEDULER = "/system/secrets/kubernetes/kube-scheduler"
_SCHEDULER_CONFIG = "/system/config/kubernetes/kube-scheduler"

# Releases whose API server names etcd by a name.
_LOCALHOST = ("v1.12.0", "v1.12.1")
# Flags that are the same in every release.
_API_FLAGS = {
    "admission-control-config-file": f"{_API_CONFIG}/admission-control-config.yaml",
    "allow-privileged": "true",
    "bind-address": "0.0.0.0",
    "client-ca-file": f"{_API}/ca.crt",
    "enable-admission-plugins": "NodeRestriction",
    "requestheader-client-ca-file": f"{_API}/aggregator-ca.crt",
    "requestheader-allowed-names": "front-proxy-client",
    "requestheader-extra-headers-prefix": "X-Remote-Extra-",
    "requestheader-group-headers": "X-Remote-Group",
    "requestheader-username-headers": "X-Remote-User",
    "proxy-client-cert-file": f"{_API}/front-proxy-client.crt",
    "proxy-client-key-file": f"{_API}/front-proxy-client.key",
    "enable-bootstrap-token-auth": "true",
    "encryption-provider-config": f"{_API}/encryptionconfig.yaml",
    "audit-policy-file": f"{_API_CONFIG}/auditpolicy.yaml",
    "audit-log-path": "/var/log/audit/kube/kube-apiserver.log",
    "audit-log-maxage": "30",
    "audit-log-maxbackup": "10",
    "audit-log-maxsize": "100",
    "profiling": "false",
    "etcd-cafile": f"{_API}/etcd-client-ca.crt",
    "etcd-certfile": f"{_API}/etcd-client.crt",
    "etcd-keyfile": f"{_API}/etcd-client.key",
    "kubelet-client-certificate": f"{_API}/apiserver-kubelet-client.crt",
    "kubelet-client-key": f"{_API}/apiserver-kubelet-client.key",
    "service-account-key-file": f"{_API}/service-account.pub",
    "service-account-signing-key-file": f"{_API}/service-account.key",
    "tls-cert-file": f"{_API}/apiserver.crt",
    "tls-private-key-file": f"{_API}/apiserver.key",
    "kubelet-preferred-address-types": "InternalIP,ExternalIP,Hostname",
}
_API_DENIED = (
    "etcd-servers", "client-ca-file", "requestheader-client-ca-file", "proxy-client-cert-file", "proxy-client-key-file",
    "encryption-provider-config", "etcd-cafile", "etcd-certfile", "etcd-keyfile", "kubelet-client-certificate",
    "kubelet-client-key", "service-account-key-file", "service-account-signing-key-file", "tls-cert-file",
    "tls-private-key-file", "authorization-config",
)  # fmt: skip
_API_ADDITIVE = ("enable-admission-plugins", "feature-gates", "authorization-mode")
# Before v1.14, which requires TLS 1.3 and so sets no cipher suites.
_CIPHERS = (
    "TLS_AES_128_GCM_SHA256,TLS_AES_256_GCM_SHA384,TLS_CHACHA20_POLY1305_SHA256,"
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,"
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305,TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,"
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,"
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305,TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"
)
_MANAGER_FLAGS = {
    "allocate-node-cidrs": "true",
    "bind-address": "127.0.0.1",
    "cluster-signing-cert-file": f"{_MANAGER}/ca.crt",
    "cluster-signing-key-file": f"{_MANAGER}/ca.key",
    "configure-cloud-routes": "false",
    "kubeconfig": f"{_MANAGER}/kubeconfig",
    "authentication-kubeconfig": f"{_MANAGER}/kubeconfig",
    "authorization-kubeconfig": f"{_MANAGER}/kubeconfig",
    "leader-elect": "true",
    "root-ca-file": f"{_MANAGER}/ca.crt",
    "service-account-private-key-file": f"{_MANAGER}/service-account.key",
    "profiling": "false",
    "tls-min-version": "VersionTLS13",
    # Before v1.14 Talos gives it without a value, which means the same.
    "use-service-account-credentials": "true",
}
_MANAGER_RULES = policies(
    ("service-cluster-ip-range", "controllers"),
    ("cluster-signing-cert-file", "cluster-signing-key-file", "authentication-kubeconfig", "authorization-kubeconfig",
     "root-ca-file", "service-account-private-key-file"),
)  # fmt: skip
_SCHEDULER_FLAGS = {
    "config": f"{_SCHEDULER_CONFIG}/scheduler-config.yaml",
    "authentication-tolerate-lookup-failure": "false",
    "authentication-kubeconfig": f"{_SCHEDULER}/kubeconfig",
    "authorization-kubeconfig": f"{_SCHEDULER}/kubeconfig",
    "bind-address": "127.0.0.1",
    "leader-elect": "true",
    "profiling": "false",
    "tls-min-version": "VersionTLS13",
}
_SCHEDULER_RULES = policies(
    denied=("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig", "config")
)  # fmt: skip
_CLOUD_PROVIDER_FLAG_UNTIL: Minor = (1, 33)


def static_pods(
    config: Config, talos: str, kubernetes: str, addresses: list[Address], origin: str
) -> Iterator[Program]:
    """The programs of one control plane.

    talos, kubernetes: releases. addresses: the node's; its API server is announced at the first. origin: names Talos.
    """
    release = minor(talos)
    yield api_server(config, talos, kubernetes, addresses, origin)
    disabled = config.section("", "machine", "controlPlane")
    manager = config.section("KubeControllerManagerConfig", "cluster", "controllerManager")
    if manager.get("enabled") is not False and not disabled.get("controllerManager", "disabled"):
        own = _manager_flags(config, release, kubernetes)
        yield program("kube-controller-manager", own, manager.flags("extraArgs"), _MANAGER_RULES, origin)
    scheduler = config.section("KubeSchedulerConfig", "cluster", "scheduler")
    if scheduler.get("enabled") is not False and not disabled.get("scheduler", "disabled"):
        own = {name: (value,) for name, value in _SCHEDULER_FLAGS.items()}
        yield program("kube-scheduler", own, scheduler.flags("extraArgs"), _SCHEDULER_RULES, origin)


def api_server(config: Config, talos: str, kubernetes: str, addresses: list[Address], origin: str) -> Program:
    """The API server of one control plane."""
    release = minor(talos)
    server = config.section("KubeAPIServerConfig", "cluster", "apiServer")
    extra, by_documents = server.flags("extraArgs"), config.has("KubeAPIServerConfig")
    own: dict[str, tuple[str, ...]] = {name: (value,) for name, value in _API_FLAGS.items()}
    own["etcd-servers"] = (f"https://{'localhost' if talos in _LOCALHOST else '127.0.0.1'}:2379",)
    own |= _issuer(config)
    legacy_port = config.section("", "cluster", "controlPlane").get("localAPIServerPort")
    port = server.get("apiPort") or legacy_port or KUBERNETES_API
    services = config.section("KubeNetworkConfig", "cluster", "network").texts("serviceSubnets")
    own |= {"secure-port": (str(port),), "service-cluster-ip-range": (",".join(services),)}
    if not _skips_registration(config):
        own["advertise-address"] = (str(addresses[0]),) if addresses else ()
    own |= _cloud_provider(config, kubernetes)
    if by_documents:
        own["authentication-config"] = (f"{_API_CONFIG}/authentication-config.yaml",)
    else:
        own["anonymous-auth"] = ("false",)
    if "authorization-mode" in extra or any(name.startswith("authorization-webhook-") for name in extra):
        own["authorization-mode"] = ("Node,RBAC",)
    else:
        own["authorization-config"] = (f"{_API_CONFIG}/authorization-config.yaml",)
    own["tls-min-version"] = ("VersionTLS12" if release < (1, 14) else "VersionTLS13",)
    if release < (1, 14):
        own["tls-cipher-suites"] = (_CIPHERS,)
    return program("kube-apiserver", own, extra, _api_rules(release, by_documents), origin)


def _api_rules(release: Minor, by_documents: bool) -> dict[str, Policy]:
    denied = (*_API_DENIED, *(("tls-min-version",) if release >= (1, 14) else ()))
    denied += ("authentication-config",) if by_documents else ()
    return policies((*_API_ADDITIVE, *(("tls-cipher-suites",) if release < (1, 14) else ())), denied)


def _issuer(config: Config) -> dict[str, tuple[str, ...]]:
    """Who issues the tokens of service accounts, and whom they are for."""
    account = config.section("KubeServiceAccountConfig")
    endpoint = str(config.section("KubeClusterConfig", "cluster", "controlPlane").get("endpoint") or "")
    issuer = str(account.get("issuer", "issuerURL") or endpoint)
    audiences = account.texts("accepted", "audiences") or [issuer]
    issuers = (issuer, *account.texts("accepted", "issuers"))
    return {"service-account-issuer": issuers, "api-audiences": tuple(audiences)}


def _manager_flags(config: Config, release: Minor, kubernetes: str) -> dict[str, tuple[str, ...]]:
    network = config.section("KubeNetworkConfig", "cluster", "network")
    pods = network.texts("podSubnets")
    own: dict[str, tuple[str, ...]] = {name: (value,) for name, value in _MANAGER_FLAGS.items()}
    own |= {
        "cluster-cidr": (",".join(pods),),
        "service-cluster-ip-range": (",".join(network.texts("serviceSubnets")),),
        "controllers": ("*,tokencleaner" if release < (1, 14) else "*",),
    }
    if release >= (1, 14):
        own["terminated-pod-gc-threshold"] = ("100",)
        for version, default in NODE_PREFIX.items():
            if any(each.version == version for each in networks(pods)):
                size = network.get(f"nodeCIDRMaskSizeIPv{version}") or default
                own[f"node-cidr-mask-size-ipv{version}"] = (str(size),)
    return own | _cloud_provider(config, kubernetes)


def _cloud_provider(config: Config, kubernetes: str) -> dict[str, tuple[str, ...]]:
    external = config.section("", "cluster", "externalCloudProvider").get("enabled")
    return {"cloud-provider": ("external",)} if external and minor(kubernetes) < _CLOUD_PROVIDER_FLAG_UNTIL else {}


def _skips_registration(config: Config) -> bool:
    return bool(config.section("KubeNodeConfig", "machine", "kubelet").get("skipNodeRegistration"))
