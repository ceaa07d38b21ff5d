"""cloud-init of virtual machines: the guest's first boot, in a Secret and as a disk of the VM."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import yaml

from core import standins
from core.model import Platform, VirtualMachineSpec, vmnetworks
from core.model.claims import guest_macs
from core.model.vmnetworks import POD_NETWORK

from .objects import LABEL

_NO_SECRETS: Mapping[str, str] = MappingProxyType({})


def cloud_config(vm: VirtualMachineSpec, secrets: Mapping[str, str] = _NO_SECRETS) -> str:
    """The cloud-init of the guest's first boot. It may hold passwords, so it belongs in a Secret.

    secrets: stand-in to secret of the stack file.
    """
    config = {**({"ssh_authorized_keys": list(vm.ssh_keys)} if vm.ssh_keys else {}), **vm.cloud_init}
    config = standins.opened(config, secrets)
    return "#cloud-config\n" + yaml.safe_dump(config, sort_keys=True, default_flow_style=False)


def network_config(platform: Platform, name: str) -> str:
    """The network settings of the guest's first boot, for a VM with links besides that on the pod network.

    Links are found by their MACs, because their names are the guest's.
    """
    vm, macs = platform.vms[name], guest_macs(platform, name)
    way = vmnetworks.default_nic(platform, name)
    links = {network: _link_config(platform, vm, network, network == way) for network in macs}
    if vm.pod_network and way is not None:
        links[POD_NETWORK]["dhcp4-overrides"] = _NO_ROUTES
    for network, mac in macs.items():
        links[network] = {"match": {"macaddress": mac}, **links[network]}
    return yaml.safe_dump({"version": 2, "ethernets": links}, sort_keys=True, default_flow_style=False)


def _link_config(platform: Platform, vm: VirtualMachineSpec, network: str, is_way_out: bool) -> dict[str, Any]:
    """Addresses and routes of one link of a guest."""
    if network == POD_NETWORK:
        return {"dhcp4": True}
    address, spec = vm.nics[network].address, platform.vm_networks[network]
    if address is None or spec.subnet is None:
        # Of several default routes by DHCP, a guest would take any.
        overrides = {} if is_way_out or not _has_other_way(vm) else {"dhcp4-overrides": dict(_NO_ROUTES)}
        return {"dhcp4": True, **overrides}
    config: dict[str, Any] = {"addresses": [f"{address}/{spec.subnet.prefixlen}"], "dhcp4": False, "mtu": spec.size}
    if is_way_out and spec.gateway is not None:
        # Older releases of cloud-init don't know the word default.
        config["routes"] = [{"to": "0.0.0.0/0" if address.version == 4 else "::/0", "via": str(spec.gateway)}]
    if resolvers := spec.resolvers or platform.network.resolvers:
        config["nameservers"] = {"addresses": [*map(str, resolvers)]}
    return config


_NO_ROUTES = {"use-routes": False}


def _has_other_way(vm: VirtualMachineSpec) -> bool:
    """Whether another link than one by DHCP in a VM network may have the default route."""
    return vm.pod_network or any(nic.default_route for nic in vm.nics.values())


def secret_name(name: str) -> str:
    """The name of the Secret with a VM's cloud-init."""
    return f"{name}-cloud-init"


def secret(platform: Platform, name: str, secrets: Mapping[str, str] = _NO_SECRETS) -> dict[str, Any]:
    """The manifest of the Secret with a VM's cloud-init: KubeVirt accepts at most 2 KiB of it in the VM itself.

    secrets: as for cloud_config.
    """
    vm = platform.vms[name]
    networks = {"networkdata": network_config(platform, name)} if vm.nics else {}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": secret_name(name), "namespace": vm.namespace, "labels": {LABEL: name}},
        "type": "Opaque",
        "stringData": {"userdata": cloud_config(vm, secrets), **networks},
    }


def volume(name: str, vm: VirtualMachineSpec) -> dict[str, Any]:
    """The volume of a VM with its cloud-init, as spec.volumes has it."""
    ref = {"name": secret_name(name)}
    networks = {"networkDataSecretRef": ref} if vm.nics else {}
    return {"name": "cloud-init", "cloudInitNoCloud": {"secretRef": ref, **networks}}
