"""The part of the Talos API that Bedplate calls itself: a machine's hardware, etcd's members, and how a machine leaves.

Talos' certificates are Ed25519. The TLS of the usual gRPC package accepts none of those; grpclib uses Python's own.
"""

from .calls import PORT, AlreadyThere, NoAnswer, Slow
from .client import SYSTEM_DISK, Client, Maintenance, schematic_of
from .messages import MESSAGES
from .models import Hardware, Running

__all__ = [
    "MESSAGES",
    "PORT",
    "SYSTEM_DISK",
    "AlreadyThere",
    "Client",
    "Hardware",
    "Maintenance",
    "NoAnswer",
    "Running",
    "Slow",
    "schematic_of",
]
