"""The cluster's network."""

from .cilium import Cilium, CiliumArgs

__all__ = ["Cilium", "CiliumArgs"]
