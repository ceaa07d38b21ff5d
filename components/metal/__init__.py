"""Bare metal: how machines boot."""

from .network_boot import Credentials, Metal, MetalArgs
from .power import BmcCredentials

__all__ = ["BmcCredentials", "Credentials", "Metal", "MetalArgs"]
