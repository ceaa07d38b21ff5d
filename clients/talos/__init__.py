"""The part of the Talos API that Bedplate calls itself: a machine's hardware, etcd's members, and how a machine leaves.

Talos' certificates are Ed25519. The TLS of the package grpcio rejects such certificates; grpclib uses
Python's TLS, which accepts them.
"""

from .calls import PORT, AlreadyThere, NoAnswer, Refused, Slow
from .client import SYSTEM_DISK, Client, schematic_of
from .maintenance import Maintenance
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
    "Refused",
    "Running",
    "Slow",
    "schematic_of",
]
