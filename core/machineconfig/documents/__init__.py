"""The machine config of one machine, as small strategic-merge documents.

Plain functions from the model to dicts, one module a topic: what Talos' generator would default and we rely on is
written out, so that another generator changes nothing. They hold no secret: the plan shows them and policies judge
them.

There are two ways to say it. Up to contract v1.13 Kubernetes and the host are fields of one large document; from
v1.14 each has documents of its own, and Talos refuses a config that says one thing in both. The contract chooses,
never the version of the OS: newer releases read older contracts.
"""

import json

from core.model import Platform

from .cluster import cluster
from .controlplane import controlplane
from .disks import disks
from .document import Document, plain
from .firewall import firewall
from .host import host
from .kubelet import kubelet
from .machine import identity
from .network import network, services
from .registries import credentials, registries

__all__ = ["Document", "credentials", "documents", "patches"]


def patches(platform: Platform, name: str) -> list[str]:
    """Every document for one machine as JSON, most general first, the user's own last."""
    return [json.dumps(plain(d), sort_keys=True) for d in documents(platform, name)]


def documents(platform: Platform, name: str) -> list[Document]:
    """The same, before they are written."""
    machine = platform.machines[name]
    return [
        *cluster(platform),
        *services(platform),
        *(controlplane(platform) if machine.role == "controlplane" else ()),
        *kubelet(platform, machine),
        *identity(platform, name, machine),
        *network(platform, machine),
        *firewall(platform, machine),
        *disks(platform, machine),
        *host(platform, name, machine),
        *registries(platform),
        *map(dict, (*platform.talos.patches, *machine.patches)),
    ]
