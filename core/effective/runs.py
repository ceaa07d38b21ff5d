"""What Talos makes of one machine's merged config: the programs that it starts, and the kubelet's settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from core.facts.versions import Minor, minor
from core.machineconfig.merge import Document, Key

from .addresses import Address, node_addresses, own_addresses
from .controlplane import static_pods
from .etcd import etcd
from .flags import Program
from .kubelet import kubelet, settings
from .normal import normal
from .section import Config


@dataclass(frozen=True)
class Runs:
    """One machine under one config: plain data, computed when it is first read."""

    name: str
    role: Literal["controlplane", "worker"]
    config: Config
    """Its merged config, without the PKI or with it."""
    talos: str
    """The Talos release on the machine, such as v1.14.2."""
    kubernetes: str
    """The Kubernetes release of its control plane, such as v1.35.4."""
    addresses: tuple[Address, ...]
    """Its declared addresses."""

    @property
    def release(self) -> Minor:
        """The minor of the Talos release."""
        return minor(self.talos)

    @cached_property
    def programs(self) -> Mapping[str, Program]:
        """What Talos runs for Kubernetes, by name: the kubelet, and on a control plane etcd and the static pods too."""
        origin = f"Talos {self.talos}"
        own = own_addresses(self.config, self.addresses)
        node = node_addresses(self.config, own)
        made = [kubelet(self.config, self.name, node, origin)]
        if self.role == "controlplane":
            made.append(etcd(self.config, self.release, self.name, own, origin))
            made += static_pods(self.config, self.talos, self.kubernetes, node, origin)
        return {program.name: program for program in made}

    @cached_property
    def kubelet(self) -> Mapping[str, Any]:
        """The KubeletConfiguration that Talos writes, by field."""
        return settings(self.config, self.release, self.role)

    @cached_property
    def documents(self) -> Mapping[Key, Document]:
        """The documents of its config, each in the form in which equal ones mean the same (normal.py)."""
        return {key: normal(key, document, self.release) for key, document in self.config.documents.items()}
