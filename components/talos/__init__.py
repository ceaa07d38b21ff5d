"""Talos: PKI, machine config, bootstrap, access."""

from .cluster import Talos, TalosArgs

__all__ = ["Talos", "TalosArgs"]
