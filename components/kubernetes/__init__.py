"""Kubernetes: its API, and objects in it."""

from .api import Kubernetes, KubernetesArgs
from .namespace import Namespace, NamespaceArgs, opened
from .objects import KubernetesObject, key, token

__all__ = ["Kubernetes", "KubernetesArgs", "KubernetesObject", "Namespace", "NamespaceArgs", "key", "opened", "token"]
