"""What every machine knows of the Kubernetes cluster: its name, its networks and how to reach the API."""

from collections.abc import Iterator

from core.facts.ports import KUBEPRISM
from core.model import Platform

from .document import Document, by_documents, document, removed

DNS_DOMAIN = "cluster.local"


def cluster(platform: Platform) -> Iterator[Document]:
    """The cluster's name and networks, the API's address, KubePrism, DNS and discovery."""
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
                "podSubnets": [*map(str, platform.network.pods)],
                "serviceSubnets": [*map(str, platform.network.services)],
            },
            "proxy": {"disabled": True},
            # Discovery queries a public service by default. Members find each other through the Kubernetes API instead.
            "discovery": {"enabled": False},
        },
    }


def _documents(platform: Platform) -> Iterator[Document]:
    yield {"machine": {"features": {"diskQuotaSupport": True}}}
    yield document("KubeClusterConfig", clusterName=platform.name, endpoint=platform.api)
    yield document(
        "KubeNetworkConfig",
        dnsDomain=DNS_DOMAIN,
        podSubnets=[*map(str, platform.network.pods)],
        serviceSubnets=[*map(str, platform.network.services)],
    )
    yield document("KubePrismConfig", port=KUBEPRISM)
    # Without this document no service outside the cluster is queried.
    yield removed("DiscoveryServiceConfig", name="default")
    # Runs pods in process and mount namespaces apart from those of Talos. KubeVirt is not proven to work in them.
    yield document("SecurityProfileConfig", workloadIsolation=platform.kubevirt is None)
    yield document("FilesystemTrimConfig", interval="168h0m0s")
