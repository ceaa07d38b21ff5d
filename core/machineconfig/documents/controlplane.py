"""What control planes add: the API, etcd, and what the CIS benchmark asks of them."""

from collections.abc import Iterator
from typing import Any

from core.facts.snapshots import NAMESPACE, ROLE
from core.model import Platform

from .audit import POLICY
from .document import Document, by_documents, document, removed
from .network import node_subnets

# Talos puts the cluster's own authority there, on every control plane.
_CLUSTER_CA = "/system/secrets/kubernetes/kube-apiserver/ca.crt"

# A namespace with no label of its own takes no privileged pod. Cilium lives in the one that is exempt.
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
# CIS 1.2.1 as 1.14 has it: without credentials there is nothing but whether the API is up.
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
    """Flags of the API server that its defaults, or Talos', leave open."""
    extras = platform.talos.extras
    plugins = ["DenyServiceExternalIPs", *(["AlwaysPullImages"] if extras.always_pull else [])]
    made = {
        "enable-admission-plugins": ",".join(plugins),
        "profiling": "false",
        "service-account-extend-token-expiration": "false",
    }
    if not by_documents(platform):
        # Documents say it in KubeAuthenticationConfig, and the API refuses to hear it twice.
        made["anonymous-auth"] = "false"
    if extras.serving_certificates == "cluster":
        made["kubelet-certificate-authority"] = _CLUSTER_CA
    return made


def images(platform: Platform) -> dict[str, str]:
    """Each part's image, which moves with talos.kubernetes alone."""
    version = platform.talos.kubernetes
    return {part: f"registry.k8s.io/kube-{part}:{version}" for part in ("apiserver", "controller-manager", "scheduler")}


def controlplane(platform: Platform) -> Iterator[Document]:
    """The API server, the controllers, the scheduler, and etcd, and who may save it."""
    yield from _documents(platform) if by_documents(platform) else _fields(platform)
    if platform.talos.snapshots.schedule:
        if by_documents(platform):
            yield document("KubeTalosAPIAccessConfig", **_ACCESS)
        else:
            yield {"machine": {"features": {"kubernetesTalosAPIAccess": {"enabled": True, **_ACCESS}}}}
        yield {"machine": {"certSANs": [ITSELF]}}
    # Never the virtual IP: it moves, and a member of etcd must not.
    yield {"cluster": {"etcd": {"advertisedSubnets": node_subnets(platform)}}}


def announces(platform: Platform) -> bool:
    """Whether control planes must take part in load balancing: with no worker nothing else would announce a service."""
    return not platform.workers and platform.cilium.load_balancer is not None


def _sans(platform: Platform) -> list[str]:
    return [str(platform.network.endpoint), "127.0.0.1"]


def _fields(platform: Platform) -> Iterator[Document]:
    image = images(platform)
    # Lists are appended to the generator's, and the API refuses to exempt one namespace twice.
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
        yield {
            "machine": {"nodeLabels": {"node.kubernetes.io/exclude-from-external-load-balancers": {"$patch": "delete"}}}
        }


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
    # Both, or requests of nodes or of people are refused.
    yield document("KubeAuthorizerConfig", name="node", type="Node")
    yield document("KubeAuthorizerConfig", name="rbac", type="RBAC")
    # Lists in them would be appended to the generator's, whose one audit rule matches everything before ours.
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
