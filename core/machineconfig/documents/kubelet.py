"""The kubelet: the node's own address, the limits of pods, and its serving certificate."""

from collections.abc import Iterator
from typing import Any

from core.model import MachineSpec, Platform

from .document import Document, by_documents, document
from .network import node_subnets

# Source: siderolabs/talos, constants.KubeletSystemReservedMemoryControlPlane and KubeletSystemReservedMemoryWorker.
RESERVED_MEMORY = {"controlplane": "512Mi", "worker": "384Mi"}
"""What Talos itself reserves, by role."""


def image(platform: Platform) -> str:
    """The kubelet's image: its repository in talos.components, with the version in talos.kubernetes."""
    return f"{platform.talos.components.kubelet}:{platform.talos.kubernetes}"


def settings(platform: Platform, machine: MachineSpec) -> dict[str, Any]:
    """Fields of the KubeletConfiguration by name, without those that Talos sets itself and no patch may change."""
    reserved = platform.talos.reserved
    config: dict[str, Any] = {
        "eventRecordQPS": 50,
        # The QEMU of a large VM has hundreds of threads; a fork bomb has more than this limit.
        "podPidsLimit": 8192,
        "readOnlyPort": 0,
        "streamingConnectionIdleTimeout": "5m0s",
        "makeIPTablesUtilChains": True,
        "systemReserved": {
            "cpu": reserved.cpu,
            "memory": reserved.memory or RESERVED_MEMORY[machine.role],
            "pid": "100",
            "ephemeral-storage": reserved.storage,
        },
    }
    if platform.talos.hardening.serving_certificates == "cluster":
        config["serverTLSBootstrap"] = True
    return config


def kubelet(platform: Platform, machine: MachineSpec) -> Iterator[Document]:
    """The kubelet of one machine."""
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
                **_mounts(platform, machine),
                "extraConfig": settings(platform, machine),
            }
        }
    }


def _mounts(platform: Platform, machine: MachineSpec) -> dict[str, Any]:
    """Folders that the kubelet shares with the host; mounts that either makes appear on both sides (rshared)."""
    mounts = [
        {
            "destination": path,
            "type": "bind",
            "source": path,
            "options": ["bind", "rshared", "ro" if mount.read_only else "rw"],
        }
        for path, mount in {**platform.talos.kubelet_mounts, **machine.kubelet_mounts}.items()
    ]
    return {"extraMounts": mounts} if mounts else {}
