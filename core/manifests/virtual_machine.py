"""A virtual machine as Kubernetes objects."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import yaml

from core import standins
from core.model import Platform, VirtualMachineSpec

LABEL = "bedplate/vm"


_NO_SECRETS: Mapping[str, str] = MappingProxyType({})


def cloud_config(vm: VirtualMachineSpec, secrets: Mapping[str, str] = _NO_SECRETS) -> str:
    """The cloud-init of the guest's first boot. It may hold passwords, so it belongs in a Secret.

    secrets: stand-in to secret of the stack file.
    """
    config = {**({"ssh_authorized_keys": list(vm.ssh_keys)} if vm.ssh_keys else {}), **vm.cloud_init}
    config = standins.opened(config, secrets)
    return "#cloud-config\n" + yaml.safe_dump(config, sort_keys=True, default_flow_style=False)


def secret_name(name: str) -> str:
    """The name of the Secret with a VM's cloud-init."""
    return f"{name}-cloud-init"


def secret(name: str, vm: VirtualMachineSpec, secrets: Mapping[str, str] = _NO_SECRETS) -> dict[str, Any]:
    """The manifest of the Secret with a VM's cloud-init: KubeVirt accepts at most 2 KiB of it in the VM itself.

    secrets: as for cloud_config.
    """
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": secret_name(name), "namespace": vm.namespace, "labels": {LABEL: name}},
        "type": "Opaque",
        "stringData": {"userdata": cloud_config(vm, secrets)},
    }


def placement(platform: Platform, vm: VirtualMachineSpec) -> dict[str, Any]:
    """Fields of a VM's spec that keep it on nodes of its architecture; empty where all machines are amd64.

    KubeVirt takes the architecture of its own API server where none is set.
    """
    if {machine.arch for machine in platform.machines.values()} == {"amd64"}:
        return {}
    arch = vm.arch or platform.vm_architectures[0]
    return {"architecture": arch, "nodeSelector": {"kubernetes.io/arch": arch}}


def virtual_machine(
    name: str, vm: VirtualMachineSpec, migratable: bool, placed: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The VirtualMachine object: a container disk, cloud-init from its Secret, one link on the pod network.

    placed: what `placement` yields for it.
    """
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachine",
        "metadata": {"name": name, "namespace": vm.namespace, "labels": {LABEL: name}},
        "spec": {
            "runStrategy": "Always" if vm.running else "Halted",
            "template": {
                "metadata": {"labels": {LABEL: name}},
                "spec": {
                    **(placed or {}),
                    # Without a second node, a VM stops when its node is drained.
                    "evictionStrategy": "LiveMigrate" if migratable else "None",
                    "domain": {
                        "cpu": {"cores": vm.cpu},
                        "memory": {"guest": vm.memory},
                        "devices": {
                            "disks": [
                                {"name": "root", "disk": {"bus": "virtio"}},
                                {"name": "cloud-init", "disk": {"bus": "virtio"}},
                            ],
                            # KubeVirt's default is a bridge, and a VM with a bridge can't be migrated.
                            "interfaces": [{"name": "default", "masquerade": {}, "model": "virtio"}],
                            "rng": {},
                        },
                    },
                    "networks": [{"name": "default", "pod": {}}],
                    "volumes": [
                        {"name": "root", "containerDisk": {"image": vm.image}},
                        {"name": "cloud-init", "cloudInitNoCloud": {"secretRef": {"name": secret_name(name)}}},
                    ],
                },
            },
        },
    }
