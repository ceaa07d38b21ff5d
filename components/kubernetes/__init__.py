"""Kubernetes: its API, and objects in it."""

from .api import Kubernetes, KubernetesArgs
from .objects import KubernetesObject, key, token

__all__ = ["Kubernetes", "KubernetesArgs", "KubernetesObject", "key", "token"]
