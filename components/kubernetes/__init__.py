"""Kubernetes: its API, and objects in it."""

from .api import Kubernetes, KubernetesArgs
from .cluster import Cluster
from .gates import NodeReady
from .helm import clear_interrupted_release
from .namespace import Namespace, NamespaceArgs
from .objects import KubernetesObject
from .serving import KubeletCertificates

__all__ = [
    "Cluster",
    "KubeletCertificates",
    "Kubernetes",
    "KubernetesArgs",
    "KubernetesObject",
    "Namespace",
    "NamespaceArgs",
    "NodeReady",
    "clear_interrupted_release",
]
