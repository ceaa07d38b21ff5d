"""Snapshots of etcd that the cluster takes of itself."""

from .scheduled import Snapshots

__all__ = ["Snapshots"]
