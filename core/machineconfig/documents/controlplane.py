"""What only control planes have: the Kubernetes API, its controllers, etcd, and what the CIS benchmark requires."""

from collections.abc import Iterator
from typing import Any

from core.facts.node_labels import NO_BALANCING
from core.facts.paths import CLUSTER_CA
from core.facts.snapshots import NAMESPACE, ROLE
from core.model import Platform

from .audit import POLICY
from .document import Document, by_documents, document, removed
from .network import member_subnets

# A namespace without labels of its own admits no privileged pod. Cilium runs in the exempt namespace.
POD_SECURITY: dict[str, Any] = {
    "apiVersion": "pod-security.admission.config.k8s.io/v1alpha1",
    "kind": "PodSecurityConfiguration",
    "defaults": {
        "enforce": "baseline",
        "enforce-version": "latest",
        "audit": "restricted",
        "audit-version": "latest",
        "warn": "restricted",
        "warn-version": "latest",
    },
    "exemptions": {"namespaces": ["kube-system"], "runtimeClasses": [], "usernames": []},
}
# CIS 1.2.1, in the form of contract v1.14: a client without credentials can only learn whether the API is up.
AUTHENTICATION: dict[str, Any] = {
    "anonymous": {"enabled": True, "conditions": [{"path": path} for path in ("/livez", "/readyz", "/healthz")]},
    "jwt": [],
}
CONTROLLER_MANAGER = {"profiling": "false", "terminated-pod-gc-threshold": "100"}
SCHEDULER = {"profiling": "false"}


# Which pods may use the Talos API, and for what: the jobs that take snapshots of etcd, and nothing else.
_ACCESS = {"allowedRoles": [ROLE], "allowedKubernetesNamespaces": [NAMESPACE]}
# Each snapshot job asks the control plane it reached about its own etcd, hence 127.0.0.1.
ITSELF = "127.0.0.1"


def api_arguments(platform: Platform) -> dict[str, str]:
    """The API server's flags whose defaults do not meet the CIS benchmark; keyed by the flag's name."""
    hardening = platform.talos.hardening
    plugins = ["DenyServiceExternalIPs", *(["AlwaysPullImages"] if hardening.always_pull else [])]
    flags = {
        "enable-admission-plugins": ",".join(plugins),
        "profiling": "false",
        "service-account-extend-token-expiration": "false",
    }
    if not by_documents(platform):
        # With documents, KubeAuthenticationConfig sets it, and the API server refuses both.
        flags["anonymous-auth"] = "false"
    if hardening.serving_certificates == "cluster":
        flags["kubelet-certificate-authority"] = CLUSTER_CA
    return flags


def images(platform: Platform) -> dict[str, str]:
    """Each component's image by its name: its repository in talos.components, with the version in talos.kubernetes."""
    from_, version = platform.talos.components, platform.talos.kubernetes
    repositories = {
        "apiserver": from_.apiserver,
        "controller-manager": from_.controller_manager,
        "scheduler": from_.scheduler,
    }
    return {part: f"{repository}:{version}" for part, repository in repositories.items()}


def controlplane(platform: Platform) -> Iterator[Document]:
    """The API server, the controller manager, the scheduler, etcd, and who may take snapshots of it."""
    yield from _documents(platform) if by_documents(platform) else _fields(platform)
    if platform.talos.snapshots.schedule:
        if by_documents(platform):
            yield document("KubeTalosAPIAccessConfig", **_ACCESS)
        else:
            yield {"machine": {"features": {"kubernetesTalosAPIAccess": {"enabled": True, **_ACCESS}}}}
        yield {"machine": {"certSANs": [ITSELF]}}
    yield {"cluster": {"etcd": {"advertisedSubnets": member_subnets(platform)}}}


def announces(platform: Platform) -> bool:
    """Whether control planes must announce services of type LoadBalancer, because there is no worker that could."""
    return not platform.workers and platform.cilium.load_balancer is not None


def _sans(platform: Platform) -> list[str]:
    vip = [str(platform.vip)] if platform.vip else []
    return list(dict.fromkeys((platform.network.endpoint.host, *vip, ITSELF)))


def _fields(platform: Platform) -> Iterator[Document]:
    image = images(platform)
    # Talos would append the exemptions to the generator's, and the API server refuses one namespace exempted twice.
    yield {"cluster": {"apiServer": {"admissionControl": {"$patch": "delete"}}}}
    yield {
        "cluster": {
            "allowSchedulingOnControlPlanes": platform.talos.schedulable_control_planes,
            "apiServer": {
                "image": image["apiserver"],
                "certSANs": _sans(platform),
                "disablePodSecurityPolicy": True,
                "admissionControl": [{"name": "PodSecurity", "configuration": POD_SECURITY}],
                "auditPolicy": POLICY,
                "extraArgs": api_arguments(platform),
            },
            "controllerManager": {"image": image["controller-manager"], "extraArgs": CONTROLLER_MANAGER},
            "scheduler": {"image": image["scheduler"], "extraArgs": SCHEDULER},
            "coreDNS": {"disabled": False},
        }
    }
    if announces(platform):
        yield {"machine": {"nodeLabels": {NO_BALANCING: {"$patch": "delete"}}}}


def _documents(platform: Platform) -> Iterator[Document]:
    image = images(platform)
    yield document(
        "KubeAPIServerConfig",
        image=image["apiserver"],
        certExtraSANs=_sans(platform),
        extraArgs=api_arguments(platform),
    )
    yield document("KubeControllerManagerConfig", image=image["controller-manager"], extraArgs=CONTROLLER_MANAGER)
    yield document("KubeSchedulerConfig", image=image["scheduler"], extraArgs=SCHEDULER)
    # Without one of them the API refuses the requests of nodes or of people.
    yield document("KubeAuthorizerConfig", name="node", type="Node")
    yield document("KubeAuthorizerConfig", name="rbac", type="RBAC")
    # Talos would append the lists to the generator's, whose one audit rule matches everything before these rules.
    for kind, name, configuration in (
        ("KubeAdmissionControlConfig", {"name": "PodSecurity"}, POD_SECURITY),
        ("KubeAuditPolicyConfig", {}, POLICY),
        ("KubeAuthenticationConfig", {}, AUTHENTICATION),
    ):
        yield removed(kind, **name)
        yield document(kind, **name, configuration=configuration)
    yield document("KubeProxyConfig", enabled=False)
    yield removed("KubeFlannelCNIConfig")
    yield document("KubeCoreDNSConfig", enabled=True)
