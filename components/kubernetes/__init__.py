"""Kubernetes: its API, and objects in it."""

from .api import Kubernetes, KubernetesArgs
from .gates import NodeReady
from .helm import unlocked
from .namespace import Namespace, NamespaceArgs, opened
from .objects import KubernetesObject, key, token

__all__ = ["Kubernetes", "KubernetesArgs", "KubernetesObject", "Namespace", "NamespaceArgs", "NodeReady", "key", "opened", "token", "unlocked"]
