"""What Talos' own config generator writes for a machine's role, without the PKI.

A machine's plain config is the base with the machine's documents merged over it. The base follows the contract and
not the Talos release on the machine, so that an upgrade of the OS changes no config.
Source: siderolabs/talos pkg/machinery/config/generate at v1.12.0 and v1.14.1. tests/machineconfig/test_base.py
compares each field with what those releases write.
"""

import json
from collections.abc import Iterator
from typing import Any, Literal

from core.facts.networks import DEFAULT_PODS, DEFAULT_SERVICES
from core.facts.node_labels import CONTROL_PLANE, NO_BALANCING
from core.facts.ports import KUBEPRISM
from core.facts.versions import minor
from core.model import Platform

from .documents.cluster import DNS_DOMAIN
from .documents.controlplane import AUTHENTICATION, POD_SECURITY, images
from .documents.document import Document, by_documents, document, plain
from .documents.kubelet import image as kubelet_image

Role = Literal["controlplane", "worker"]

# The defaults that the generator writes. A machine's documents replace all of it.
INSTALL_DISK = "/dev/sda"
DISCOVERY_SERVICE = "https://discovery.talos.dev/"
AUDIT_POLICY: dict[str, Any] = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata"}]}


def base(platform: Platform, role: Role) -> tuple[Document, ...]:
    """The documents that the generator of the platform's contract writes for a role, in its order, without the PKI."""
    hostname = document("HostnameConfig", auto="stable")
    if by_documents(platform):
        return (_legacy(role, {"diskQuotaSupport": True}, {}), *_host(), hostname, *_kubernetes(platform, role))
    return (_fields(platform, role), hostname)


def base_texts(platform: Platform, role: Role) -> list[str]:
    """The same as JSON texts, as the resource of a machine's config takes them."""
    return [json.dumps(plain(each), sort_keys=True) for each in base(platform, role)]


def _legacy(role: Role, features: Document, cluster: Document, **machine: Any) -> Document:
    """The document with machine: and cluster:."""
    return {
        "version": "v1alpha1",
        "debug": False,
        "persist": True,
        "machine": {"type": role, "certSANs": [], **machine, "features": features},
        "cluster": cluster,
    }


def _fields(platform: Platform, role: Role) -> Document:
    """The one large document of the contracts up to v1.13."""
    features: Document = {
        "diskQuotaSupport": True,
        "kubePrism": {"enabled": True, "port": KUBEPRISM},
        "hostDNS": {"enabled": True, "forwardKubeDNSToHost": True},
    }
    # It changes nothing, and keeps a config equal to what the generator wrote of it for an older state.
    empty: Document = {"network": {}} if minor(platform.talos.contract) < (1, 13) else {}
    labels: Document = {"nodeLabels": {NO_BALANCING: ""}} if role == "controlplane" else {}
    return _legacy(
        role,
        features,
        _cluster(platform, role),
        kubelet={
            "image": kubelet_image(platform),
            "defaultRuntimeSeccompProfileEnabled": True,
            "disableManifestsDirectory": True,
        },
        **empty,
        install={"disk": INSTALL_DISK, "wipe": False, "grubUseUKICmdline": True},
        **labels,
    )


def _cluster(platform: Platform, role: Role) -> Document:
    cluster: Document = {
        "controlPlane": {"endpoint": platform.api},
        "clusterName": platform.name,
        "network": {
            "dnsDomain": DNS_DOMAIN,
            "podSubnets": [DEFAULT_PODS],
            "serviceSubnets": [DEFAULT_SERVICES],
        },
        "discovery": {"enabled": True, "registries": {"kubernetes": {"disabled": True}, "service": {}}},
    }
    if role == "worker":
        return cluster
    image = images(platform)
    return {
        **cluster,
        "apiServer": {
            "image": image["apiserver"],
            "admissionControl": [{"name": "PodSecurity", "configuration": POD_SECURITY}],
            "auditPolicy": AUDIT_POLICY,
        },
        "controllerManager": {"image": image["controller-manager"]},
        "proxy": {"image": _proxy_image(platform)},
        "scheduler": {"image": image["scheduler"]},
    }


def _proxy_image(platform: Platform) -> str:
    return f"registry.k8s.io/kube-proxy:{platform.talos.kubernetes}"


def _host() -> Iterator[Document]:
    """The documents of contract v1.14 for Talos itself."""
    yield document("DiscoveryServiceConfig", name="default", endpoint=DISCOVERY_SERVICE)
    yield document(
        "UnattendedInstallConfig",
        installer={},
        provisioning={"diskSelector": {"match": f'disk.dev_path == "{INSTALL_DISK}"'}, "wipe": False},
    )
    yield document("ResolverConfig", hostDNS={"enabled": True, "forwardKubeDNSToHost": True})
    yield document("VolumeConfig", name="EPHEMERAL", mount={"secure": True})
    yield document("FilesystemTrimConfig", interval="168h0m0s")
    yield document("SecurityProfileConfig", workloadIsolation=True)


def _kubernetes(platform: Platform, role: Role) -> Iterator[Document]:
    """The documents of contract v1.14 for Kubernetes."""
    yield document("KubeClusterConfig", clusterName=platform.name, endpoint=platform.api)
    node: Document = {}
    if role == "controlplane":
        node = {"labels": {CONTROL_PLANE: "", NO_BALANCING: ""}, "taints": {CONTROL_PLANE: "NoSchedule"}}
    yield document("KubeNodeConfig", nodeIP={}, **node)
    yield document("KubeletConfig", image=kubelet_image(platform), config={}, defaultRuntimeSeccompProfileEnabled=True)
    yield document(
        "KubeNetworkConfig",
        dnsDomain=DNS_DOMAIN,
        podSubnets=[DEFAULT_PODS],
        serviceSubnets=[DEFAULT_SERVICES],
    )
    yield document("KubePrismConfig", port=KUBEPRISM)
    if role == "controlplane":
        yield from _controlplane(platform)


def _controlplane(platform: Platform) -> Iterator[Document]:
    image = images(platform)
    yield document("KubeAdmissionControlConfig", name="PodSecurity", configuration=POD_SECURITY)
    yield document("KubeAuditPolicyConfig", configuration=AUDIT_POLICY)
    yield document("KubeAuthenticationConfig", configuration=AUTHENTICATION)
    yield document("KubeAuthorizerConfig", name="node", type="Node")
    yield document("KubeAuthorizerConfig", name="rbac", type="RBAC")
    # The key that signs the tokens is part of the PKI.
    yield document("KubeServiceAccountConfig", issuer={"issuerURL": platform.api})
    yield document("KubeAPIServerConfig", image=image["apiserver"])
    yield document("KubeControllerManagerConfig", image=image["controller-manager"])
    yield document("KubeSchedulerConfig", image=image["scheduler"], config={})
    yield document("KubeProxyConfig", image=_proxy_image(platform), config={})
    yield document("KubeFlannelCNIConfig", backendType="vxlan", backendPort=4789)
    yield document("KubeCoreDNSConfig", enabled=True)
