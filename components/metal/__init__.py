"""Bare metal: how machines boot."""

from .metal import Credentials, Metal, MetalArgs
from .power import BmcCredentials

__all__ = ["BmcCredentials", "Credentials", "Metal", "MetalArgs"]
