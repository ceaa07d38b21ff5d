"""Bare metal: how machines boot."""

from .network_boot import Credentials, Metal, MetalArgs

__all__ = ["Credentials", "Metal", "MetalArgs"]
