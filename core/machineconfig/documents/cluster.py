"""What every machine of the cluster shares of Kubernetes."""

from collections.abc import Iterator

from core.facts.ports import KUBEPRISM
from core.model import Platform

from .document import Document, by_documents, document, removed

DNS_DOMAIN = "cluster.local"


def cluster(platform: Platform) -> Iterator[Document]:
    """Names, networks, and how a machine finds the API."""
    yield from _documents(platform) if by_documents(platform) else _fields(platform)


def _fields(platform: Platform) -> Iterator[Document]:
    yield {
        "machine": {
            "features": {
                "rbac": True,
                "diskQuotaSupport": True,
                # Cilium replaces kube-proxy and reaches the API through KubePrism, before there are services.
                "kubePrism": {"enabled": True, "port": KUBEPRISM},
                "hostDNS": {"enabled": True, "forwardKubeDNSToHost": True},
            },
        },
        "cluster": {
            "clusterName": platform.name,
            "controlPlane": {"endpoint": platform.api},
            "network": {
                "dnsDomain": DNS_DOMAIN,
                "cni": {"name": "none"},
                "podSubnets": [str(platform.network.pods)],
                "serviceSubnets": [str(platform.network.services)],
            },
            "proxy": {"disabled": True},
            # Its default asks a public service; members find each other through the API instead.
            "discovery": {"enabled": False},
        },
    }


def _documents(platform: Platform) -> Iterator[Document]:
    yield {"machine": {"features": {"diskQuotaSupport": True}}}
    yield document("KubeClusterConfig", clusterName=platform.name, endpoint=platform.api)
    yield document(
        "KubeNetworkConfig",
        dnsDomain=DNS_DOMAIN,
        podSubnets=[str(platform.network.pods)],
        serviceSubnets=[str(platform.network.services)],
    )
    yield document("KubePrismConfig", port=KUBEPRISM)
    # With no such document nobody outside is asked.
    yield removed("DiscoveryServiceConfig", name="default")
    # Pods in a process and mount namespace apart from Talos' own. Nobody has shown KubeVirt in it.
    yield document("SecurityProfileConfig", workloadIsolation=platform.kubevirt is None)
    yield document("FilesystemTrimConfig", interval="168h0m0s")
