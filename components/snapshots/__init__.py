"""Snapshots of etcd that a job of the cluster takes on a schedule."""

from .scheduled import Snapshots

__all__ = ["Snapshots"]
