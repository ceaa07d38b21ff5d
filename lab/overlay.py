"""From a stack's committed platform to the one that is rehearsed: pure data in and out.

Everything a rehearsal changes is listed with its reason: the list is shown before the run and is
part of the fidelity table. What is not listed is rehearsed as it stands in the stack file.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.facts.versions import CURRENT
from core.standins import within

from . import cilium, guests
from .standins import APPROVER, undigested
from .topology import LINK, Topology

# Where the stand-in for Cilium answers on every node (lab/charts/cilium-standin).
NODE_PORT = 30080
# The claim that snapshot jobs write to, and their schedule if the platform has none: once a year, so that no job starts
# by itself during a rehearsal.
CLAIM, SCHEDULE = "rehearsal", "0 0 1 1 *"

# Registries a platform's images come from, whatever its mirrors say; the lab's own last.
HOSTS = ("docker.io", "gcr.io", "ghcr.io", "quay.io", "registry.k8s.io", "factory.talos.dev", "bedplate.local")


@dataclass(frozen=True)
class Change:
    """One difference between the rehearsed platform and the stack file."""

    where: str
    was: str
    now: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Substitutes:
    """What the rehearsal uses instead of published images, charts and releases."""

    kubernetes: str
    network: cilium.Network
    # The document by which nodes trust the lab's registry.
    trust: Mapping[str, str]
    cgroup_v2: bool
    user_namespace: bool
    # Where `up` saves etcd before an upgrade.
    snapshots: str = "/lab/snapshots"
    kubevirt: str = CURRENT["kubevirt"]
    # The source of a guest's disk, by its format.
    disks: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def kubelet_config(substitutes: Substitutes) -> dict[str, Any]:
    """The kubelet config that this computer needs: field to value."""
    # Talos' own load balancer for the API takes a minute to notice that the API is up. Meanwhile the controller
    # manager and the scheduler exit and are restarted at growing intervals, which would cost up to two minutes.
    config: dict[str, Any] = {"crashLoopBackOff": {"maxContainerRestartPeriod": "2s"}}
    # A node sees the disk of this computer, most of which it does not use: with less than 15 % of it free, kubelet
    # would take no pod, though gigabytes are left.
    config["evictionHard"] = {
        "imagefs.available": "2Gi",
        "imagefs.inodesFree": "1%",
        "memory.available": "100Mi",
        "nodefs.available": "2Gi",
        "nodefs.inodesFree": "1%",
    }
    # For the same reason the kubelet must not delete images.
    config |= {"imageGCHighThresholdPercent": 100, "imageGCLowThresholdPercent": 99}
    if not substitutes.cgroup_v2:
        config["failCgroupV1"] = False
    if substitutes.user_namespace:
        config["featureGates"] = {"KubeletInUserNamespace": True}
    return config


@dataclass
class _Overlay:
    """The platform while it is changed, and the list of changes."""

    platform: dict[str, Any]
    changes: list[Change] = field(default_factory=list)

    def note(self, path: str, was: object, now: object, why: str) -> None:
        """Record a change."""
        self.changes.append(Change(path, str(was), str(now), why))


def rehearsed(
    platform: Mapping[str, Any], lab: Topology, substitutes: Substitutes
) -> tuple[dict[str, Any], list[Change]]:
    """The platform for the lab, field to value, and each difference from the stack's own."""
    overlay = _Overlay(copy.deepcopy(dict(platform)))
    _secrets(overlay)
    _kubernetes(overlay, substitutes)
    _patches(overlay, substitutes)
    _links(overlay)
    _snapshots(overlay, substitutes)
    _host(overlay, substitutes)
    _boot(overlay)
    _mirror(overlay, lab)
    cilium.rehearsed(overlay.platform["cilium"], overlay.note, substitutes.network)
    _approver(overlay)
    _workloads(overlay)
    guests.rehearsed(overlay.platform, overlay.note, substitutes.kubevirt, substitutes.disks)
    return overlay.platform, overlay.changes


def _secrets(overlay: _Overlay) -> None:
    """Leave out patches and keys of cloud-init with an encrypted value: a lab has no secret of the stack."""
    owners = {"talos": overlay.platform["talos"]}
    owners |= {f"machines.{name}": machine for name, machine in overlay.platform["machines"].items()}
    why = "a rehearsal has no secret of the stack"
    for path, owner in owners.items():
        given = owner.get("patches") or ()
        plain = [patch for patch in given if not any(within(patch))]
        if len(plain) < len(given):
            owner["patches"] = plain
            overlay.note(f"{path}.patches", f"{len(given)} patches", f"the {len(plain)} without encrypted values", why)
    for name, vm in (overlay.platform.get("vms") or {}).items():
        cloud_init = vm.get("cloud_init") or {}
        kept = {key: value for key, value in cloud_init.items() if not any(within(value))}
        if len(kept) < len(cloud_init):
            vm["cloud_init"] = kept
            left_out = ", ".join(key for key in cloud_init if key not in kept)
            overlay.note(f"vms.{name}.cloud_init", f"with {left_out}", f"without {left_out}", why)


def _kubernetes(overlay: _Overlay, substitutes: Substitutes) -> None:
    talos = overlay.platform["talos"]
    if talos["kubernetes"] != substitutes.kubernetes:
        overlay.note(
            "talos.kubernetes", talos["kubernetes"], substitutes.kubernetes, "this is the release that is built here"
        )
        talos["kubernetes"] = substitutes.kubernetes


def _patches(overlay: _Overlay, substitutes: Substitutes) -> None:
    """The user's own patches first, then what this computer needs."""
    config = kubelet_config(substitutes)
    talos = overlay.platform["talos"]
    talos["patches"] = [
        *talos.get("patches", ()),
        {"machine": {"kubelet": {"extraConfig": config}}},
        dict(substitutes.trust),
    ]
    overlay.note(
        "talos.patches",
        "",
        f"kubelet: {', '.join(sorted(config))}",
        "the computer lacks features, and containers that end are restarted sooner",
    )
    overlay.note("talos.patches", "", "TrustedRootsConfig", "the lab's registry has a certificate of its own")


def _links(overlay: _Overlay) -> None:
    for machine in overlay.platform["machines"].values():
        machine["link"] = machine.get("link") or LINK
    overlay.note("machines.*.link", "found by its MAC", LINK, "a virtual cable has no permanent hardware address")


def _boot(overlay: _Overlay) -> None:
    if overlay.platform.pop("boot", None):
        overlay.note("boot", "matchbox", "none", "containers don't boot: nodes start in maintenance mode")
    if [machine.pop("bmc") for machine in overlay.platform["machines"].values() if "bmc" in machine]:
        overlay.note("machines.*.bmc", "Redfish", "none", "containers have no power to switch")


def _approver(overlay: _Overlay) -> None:
    extras = overlay.platform["talos"].setdefault("extras", {})
    if extras.get("serving_certificates", "cluster") == "cluster":
        extras["approver"] = undigested(extras.get("approver", APPROVER))
        overlay.note(
            "talos.extras.approver",
            extras["approver"],
            "a stand-in that makes the same decisions by the same calls",
            "its image can't be fetched, nor its module",
        )


def left_out(section: str) -> Change:
    """The change that a section of the stack file is not rehearsed."""
    return Change(section, "the platform's", "none", "--without-vms leaves out KubeVirt and what runs on it")


# Field of the stack file that needs a kernel or a disk -> what a container lacks for it.
_LACKING = {"sysctls": "kernel parameters", "modules": "kernel modules", "volumes": "disks", "watchdog": "watchdog"}


def _host(overlay: _Overlay, substitutes: Substitutes) -> None:
    """Remove what a container has no kernel, disk or firmware for, and open the port that the lab queries."""
    talos, machines = overlay.platform["talos"], overlay.platform["machines"]
    for path, part in [("talos", talos), *((f"machines.{name}", machine) for name, machine in machines.items())]:
        for key, what in _LACKING.items():
            if key in part:
                del part[key]
                overlay.note(f"{path}.{key}", "the platform's", "none", f"a container has no {what} of its own")
    if talos.pop("logs", None):
        overlay.note("talos.logs", "the platform's receivers", "none", "no receiver runs in the lab")
    if overlay.platform.get("registries", {}).pop("auth", None):
        overlay.note("registries.auth", "the platform's", "none", "the lab's registry needs no credentials")
    firewall = talos.setdefault("firewall", {})
    if firewall.get("admins"):
        overlay.note("talos.firewall.admins", "the platform's", "any", "the lab's own commands come from its gateway")
        firewall["admins"] = []
    if substitutes.network.version:
        return
    firewall["allow"] = {**firewall.get("allow", {}), "rehearsal": {"ports": [NODE_PORT], "sources": ["0.0.0.0/0"]}}
    overlay.note(
        "talos.firewall.allow",
        "",
        f"port {NODE_PORT}",
        "the stand-in for Cilium answers there, and Cilium's own services bypass this firewall",
    )


def _snapshots(overlay: _Overlay, substitutes: Substitutes) -> None:
    talos = overlay.platform["talos"]
    want = talos.get("snapshots") or {}
    now = {"folder": substitutes.snapshots, "schedule": want.get("schedule") or SCHEDULE, "to": {"claim": CLAIM}}
    for key, why in (
        ("folder", "the files of a rehearsal lie beside its lab"),
        ("schedule", "the platform sets none, and the job that a schedule makes is shown"),
        ("to", "no NFS server runs in the lab: the volume is a folder of the node"),
    ):
        if now[key] != want.get(key):
            overlay.note(f"talos.snapshots.{key}", want.get(key) or "none", now[key], why)
    talos["snapshots"] = now


def _workloads(overlay: _Overlay) -> None:
    for name, workload in (overlay.platform.get("workloads") or {}).items():
        overlay.note(
            f"workloads.{name}", workload["image"], "a stand-in that answers on its port", "its image can't be fetched"
        )
        workload["image"] = undigested(workload["image"])
        workload.pop("command", None)


def _mirror(overlay: _Overlay, lab: Topology) -> None:
    registries = overlay.platform.setdefault("registries", {})
    hosts = sorted({*HOSTS, *(registries.get("mirrors") or {})})
    registries["mirrors"] = {host: {"endpoints": [lab.registry]} for host in hosts}
    overlay.note("registries.mirrors", "the platform's", lab.registry, "the lab's registry has the images built here")
