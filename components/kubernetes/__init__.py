"""Kubernetes: its API, and objects in it."""

from .api import Kubernetes, KubernetesArgs
from .gates import NodeReady
from .helm import unlocked
from .namespace import Namespace, NamespaceArgs, opened
from .objects import KubernetesObject, key, token
from .serving import KubeletCertificates, KubeletCertificatesArgs

__all__ = [
    "KubeletCertificates",
    "KubeletCertificatesArgs",
    "Kubernetes",
    "KubernetesArgs",
    "KubernetesObject",
    "Namespace",
    "NamespaceArgs",
    "NodeReady",
    "key",
    "opened",
    "token",
    "unlocked",
]
