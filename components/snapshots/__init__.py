"""Snapshots of etcd that the cluster takes of itself."""

from .scheduled import Snapshots, SnapshotsArgs

__all__ = ["Snapshots", "SnapshotsArgs"]
