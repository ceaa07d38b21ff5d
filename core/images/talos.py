"""The images of each machine: Talos' installer, Kubernetes, etcd and CoreDNS, from its effective configuration."""

from collections.abc import Iterator, Mapping
from typing import Any

from core.effective import effective
from core.facts.talos_images import own_images
from core.machineconfig.merge import Documents
from core.model import Platform

# Documents and fields with one image each. etcd and CoreDNS have an image of Talos' own if none is named.
_FIELDS = (
    ("machine", "kubelet"),
    ("machine", "install"),
    *(("cluster", name) for name in ("apiServer", "controllerManager", "scheduler", "proxy", "etcd", "coreDNS")),
)
_KINDS = frozenset(
    {
        "UnattendedInstallConfig",
        "KubeletConfig",
        "KubeAPIServerConfig",
        "KubeControllerManagerConfig",
        "KubeSchedulerConfig",
        "KubeProxyConfig",
        "KubeCoreDNSConfig",
    }
)
_PLANE_FIELDS = frozenset({"etcd", "coreDNS"})


def images_of(platform: Platform, machine: str) -> Iterator[str]:
    """The images of one machine. Talos' own are missing for a Talos release that is not known."""
    own = own_images(platform.talos.version)
    if pause := own.pop("pause", None):
        yield pause
    merged = effective(platform, machine).documents
    sections = list(_sections(merged))
    yield from (str(value["image"]) for _, value in sections if value.get("image"))
    if platform.machines[machine].role == "controlplane":
        named = {name for name, value in sections if value.get("image")}
        off = {name for name, value in _all(merged) if _is_off(value)}
        if "etcd" in own and "etcd" not in named:
            yield own["etcd"]
        if "coredns" in own and not {"coreDNS", "KubeCoreDNSConfig"} & (named | off):
            yield own["coredns"]


def _sections(merged: Documents) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The parts of a config that name an image and that are on."""
    return ((name, value) for name, value in _all(merged) if not _is_off(value))


def _all(merged: Documents) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for (kind, _), document in merged.items():
        if kind in _KINDS:
            installer = document.get("installer")
            yield kind, installer if isinstance(installer, Mapping) else document
        for parent, field in _FIELDS:
            above = document.get(parent)
            value = above.get(field) if isinstance(above, Mapping) else None
            if isinstance(value, Mapping):
                yield field, value


def _is_off(value: Mapping[str, Any]) -> bool:
    return value.get("disabled") is True or value.get("enabled") is False
