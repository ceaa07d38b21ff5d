"""The machine config of one machine, as small strategic-merge documents for contract v1.12.

Plain functions from the model to dicts: what Talos' generator would default and we rely on is written out, so
that another generator changes nothing. They hold no secret: the plan shows them and policies judge them.
"""

import json
from collections.abc import Iterator
from typing import Any

from components.platform import Machine, Platform

from . import links

Document = dict[str, Any]

KUBEPRISM_PORT = 7445


def patches(platform: Platform, name: str) -> list[str]:
    """Every document for one machine as JSON, most general first, the user's own last."""
    machine = platform.machines[name]
    own = [
        *common(platform),
        *(controlplane(platform) if machine.role == "controlplane" else ()),
        *identity(platform, name, machine),
        *network(platform, machine),
        *encryption(platform),
        *registries(platform),
    ]
    return [json.dumps(_plain(d), sort_keys=True) for d in (*own, *platform.talos.patches, *machine.patches)]


def common(platform: Platform) -> Iterator[Document]:
    """What every machine of the cluster shares."""
    net = platform.network
    yield {
        "machine": {
            "features": {
                "rbac": True,
                "diskQuotaSupport": True,
                # Cilium replaces kube-proxy and reaches the API through KubePrism, before there are services.
                "kubePrism": {"enabled": True, "port": KUBEPRISM_PORT},
                "hostDNS": {"enabled": True, "forwardKubeDNSToHost": True},
            },
            "kubelet": {
                "image": f"ghcr.io/siderolabs/kubelet:{platform.talos.kubernetes}",
                "defaultRuntimeSeccompProfileEnabled": True,
                "disableManifestsDirectory": True,
                "nodeIP": {"validSubnets": node_subnets(platform)},
                "extraConfig": {"podPidsLimit": 8192, "eventRecordQPS": 50},
            },
        },
        "cluster": {
            "clusterName": platform.name,
            "controlPlane": {"endpoint": platform.api},
            "network": {
                "cni": {"name": "none"},
                "podSubnets": [str(net.pods)],
                "serviceSubnets": [str(net.services)],
            },
            "proxy": {"disabled": True},
            # Its default asks a public service; members find each other through the API instead.
            "discovery": {"enabled": False},
        },
    }
    if net.resolvers:
        yield _document("ResolverConfig", nameservers=[{"address": str(a)} for a in net.resolvers])
    if net.time:
        yield _document("TimeSyncConfig", ntp={"servers": list(net.time)})


def controlplane(platform: Platform) -> Iterator[Document]:
    """What control planes add: the API, etcd and what CIS asks of them."""
    version = platform.talos.kubernetes
    yield {
        "cluster": {
            "allowSchedulingOnControlPlanes": platform.talos.schedulable_control_planes,
            "apiServer": {
                "image": f"registry.k8s.io/kube-apiserver:{version}",
                "certSANs": [str(platform.network.endpoint), "127.0.0.1"],
                "disablePodSecurityPolicy": True,
                "extraArgs": {
                    "anonymous-auth": "false",
                    "enable-admission-plugins": "DenyServiceExternalIPs",
                    "profiling": "false",
                    "service-account-extend-token-expiration": "false",
                },
            },
            "controllerManager": {
                "image": f"registry.k8s.io/kube-controller-manager:{version}",
                "extraArgs": {"profiling": "false", "terminated-pod-gc-threshold": "100"},
            },
            "scheduler": {"image": f"registry.k8s.io/kube-scheduler:{version}", "extraArgs": {"profiling": "false"}},
            "etcd": {"advertisedSubnets": node_subnets(platform)},
        }
    }
    if not platform.workers and platform.cilium.load_balancer:
        # Talos keeps control planes out of load balancing; with no worker nothing would announce a service.
        yield {"machine": {"nodeLabels": {"node.kubernetes.io/exclude-from-external-load-balancers": {"$patch": "delete"}}}}


def node_subnets(platform: Platform) -> list[str]:
    """Where a machine's own address is found: the node network without the API's virtual IP."""
    return [str(platform.network.nodes), f"!{platform.network.endpoint}/32"]


def identity(platform: Platform, name: str, machine: Machine) -> Iterator[Document]:
    """Name, disk and labels. The hardware's marks are in it, so that a replaced machine is configured anew."""
    disk = machine.install.disk.model_dump(exclude_none=True)
    marks = {
        "bedplate/boot-mac": machine.mac,
        "bedplate/install-disk": machine.install.disk.serial or machine.install.disk.wwid,
        "bedplate/uuid": machine.uuid,
        "bedplate/serial": machine.serial,
        "bedplate/site": machine.location.site,
        "bedplate/rack": machine.location.rack,
        "bedplate/unit": str(machine.location.unit or ""),
    }
    yield {
        "machine": {
            "install": {"image": platform.installer, "diskSelector": disk, "wipe": False},
            "nodeAnnotations": {key: mark for key, mark in marks.items() if mark},
        }
    }
    labels = {**machine.labels, **machine.location.labels}
    if labels or machine.taints:
        yield {"machine": {key: dict(value) for key, value in (("nodeLabels", labels), ("nodeTaints", machine.taints)) if value}}
    # The generator writes a HostnameConfig with auto: stable, which conflicts with a name.
    yield _document("HostnameConfig", hostname=name, auto="off")


def network(platform: Platform, machine: Machine) -> Iterator[Document]:
    """The boot link with its address, and on control planes the API's virtual IP."""
    yield from links.documents(platform, machine)


def encryption(platform: Platform) -> Iterator[Document]:
    """LUKS2 on both of Talos' own volumes."""
    key = {"tpm": {"tpm": {}}, "node-id": {"nodeID": {}}}.get(platform.talos.disk_encryption)
    for volume in ("STATE", "EPHEMERAL") if key else ():
        yield _document("VolumeConfig", name=volume, encryption={"provider": "luks2", "keys": [{"slot": 0, **(key or {})}]})


def registries(platform: Platform) -> Iterator[Document]:
    """A mirror document for each registry."""
    for registry, mirror in platform.registries.mirrors.items():
        yield _document(
            "RegistryMirrorConfig",
            name=registry,
            endpoints=[{"url": url, "overridePath": mirror.override_path} for url in mirror.endpoints],
            skipFallback=mirror.skip_fallback,
        )


def _document(kind: str, **fields: Any) -> Document:
    return {"apiVersion": "v1alpha1", "kind": kind, **fields}


def _plain(value: Any) -> Any:
    """Mappings and tuples of the frozen model as what JSON knows."""
    if isinstance(value, (str, int, float, bool, type(None))):
        return value
    if hasattr(value, "items"):
        return {str(k): _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value]
