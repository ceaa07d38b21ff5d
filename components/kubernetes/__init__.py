"""Kubernetes: its API, and objects in it."""

from .api import Kubernetes, KubernetesArgs
from .chart import Chart
from .cluster import Cluster
from .gates import NodeReady
from .helm import clear_interrupted_release
from .namespace import Namespace, NamespaceArgs
from .nodes import Nodes, NodesArgs
from .objects import KubernetesObject
from .serving import KubeletCertificates

__all__ = [
    "Chart",
    "Cluster",
    "KubeletCertificates",
    "Kubernetes",
    "KubernetesArgs",
    "KubernetesObject",
    "Namespace",
    "NamespaceArgs",
    "NodeReady",
    "Nodes",
    "NodesArgs",
    "clear_interrupted_release",
]
