"""The machine config of one machine, as small documents that Talos merges into what its generator writes.

Plain functions from the model to dicts, one module per topic. Every default of Talos' generator that the platform
relies on is written out, so that another release's generator changes no machine. Documents hold no secret: plans show
them and policies judge them.

Talos has two forms. Up to contract v1.13, Kubernetes and the host are fields of one large document; from v1.14 each
has documents of its own, and Talos refuses a config that sets one thing in both. The contract decides, not the
version of the OS, because newer releases read older contracts.
"""

import json

from core.model import Platform

from .cluster import cluster
from .containerd import containerd
from .controlplane import controlplane
from .disks import disks
from .document import Document, plain
from .firewall import firewall
from .host import host
from .kubelet import kubelet
from .links import links
from .machine import identity
from .network import services
from .reach import reaching
from .registries import credentials, registries

__all__ = ["Document", "credentials", "documents", "own_documents", "patches", "plain"]


def patches(platform: Platform, name: str) -> list[str]:
    """Every document for one machine as JSON texts: the most general first, the stack file's patches last."""
    return [json.dumps(plain(d), sort_keys=True) for d in documents(platform, name)]


def documents(platform: Platform, name: str) -> list[Document]:
    """Every document for one machine, in the order in which Talos merges them."""
    return [*own_documents(platform, name), *(patch for _, patch in reaching(platform, name))]


def own_documents(platform: Platform, name: str) -> list[Document]:
    """The documents for one machine without the stack file's patches."""
    machine = platform.machines[name]
    return [
        *cluster(platform),
        *services(platform),
        *(controlplane(platform) if machine.role == "controlplane" else ()),
        *kubelet(platform, machine),
        *identity(platform, name, machine),
        *links(platform, name, machine),
        *firewall(platform, machine),
        *disks(platform, name, machine),
        *host(platform, name, machine),
        *containerd(platform, machine),
        *registries(platform),
    ]
