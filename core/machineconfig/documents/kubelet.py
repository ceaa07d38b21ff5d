"""The kubelet: which address is the node's own, what pods may take, and how it proves who it is."""

from collections.abc import Iterator
from typing import Any

from core.model import MachineSpec, Platform

from .document import Document, by_documents, document
from .network import node_subnets

# What Talos itself reserves, written out: by role, as it does.
_RESERVED_MEMORY = {"controlplane": "512Mi", "worker": "384Mi"}


def image(platform: Platform) -> str:
    """Moves with talos.kubernetes alone."""
    return f"ghcr.io/siderolabs/kubelet:{platform.talos.kubernetes}"


def settings(platform: Platform, machine: MachineSpec) -> dict[str, Any]:
    """Its own configuration, beyond what Talos sets and lets nobody change."""
    reserved = platform.talos.reserved
    made: dict[str, Any] = {
        "eventRecordQPS": 50,
        # A large guest's QEMU has hundreds of threads; a pod that forks without end has more.
        "podPidsLimit": 8192,
        "readOnlyPort": 0,
        "streamingConnectionIdleTimeout": "5m0s",
        "makeIPTablesUtilChains": True,
        "systemReserved": {
            "cpu": reserved.cpu,
            "memory": reserved.memory or _RESERVED_MEMORY[machine.role],
            "pid": "100",
            "ephemeral-storage": reserved.storage,
        },
    }
    if platform.talos.hardening.serving_certificates == "cluster":
        made["serverTLSBootstrap"] = True
    return made


def kubelet(platform: Platform, machine: MachineSpec) -> Iterator[Document]:
    """One machine's kubelet."""
    if by_documents(platform):
        yield document(
            "KubeletConfig",
            image=image(platform),
            defaultRuntimeSeccompProfileEnabled=True,
            config=settings(platform, machine),
        )
        yield document("KubeNodeConfig", nodeIP={"validSubnets": node_subnets(platform)})
        return
    yield {
        "machine": {
            "kubelet": {
                "image": image(platform),
                "defaultRuntimeSeccompProfileEnabled": True,
                "disableManifestsDirectory": True,
                "nodeIP": {"validSubnets": node_subnets(platform)},
                "extraConfig": settings(platform, machine),
            }
        }
    }
