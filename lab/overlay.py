"""From a stack's committed platform to the one that is rehearsed: pure data in and out.

Everything a rehearsal changes is listed with its reason: the list is shown before the run and is
part of the fidelity table. What is not listed is rehearsed as it stands in the stack file.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from core.model.host import KubernetesHardening

from .topology import Machine, Topology

LINK = "eth0"
# What approves kubelets' certificates, where the stack says nothing.
APPROVER = KubernetesHardening().approver
# Where a workload's stand-in listens that has no port of its own.
HELLO_PORT = 8080
# Where the stand-in for Cilium answers on every node (lab/charts/cilium-standin).
NODE_PORT = 30080
# The claim that jobs write snapshots of etcd to, and when, if the platform does not say: not in a rehearsal's time.
CLAIM, SCHEDULE = "rehearsal", "0 0 1 1 *"

# Registries a platform's images come from, whatever its mirrors say; the lab's own last.
HOSTS = ("docker.io", "gcr.io", "ghcr.io", "quay.io", "registry.k8s.io", "factory.talos.dev", "bedplate.local")


@dataclass(frozen=True)
class Change:
    """One thing that is not rehearsed as the stack file has it."""

    where: str
    was: str
    now: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Substitutes:
    """What the rehearsal has to offer instead of the real thing."""

    kubernetes: str
    chart: str
    # The document by which nodes trust the lab's registry.
    trust: Mapping[str, str]
    cgroup_v2: bool
    user_namespace: bool
    # Where `up` saves etcd before an upgrade.
    snapshots: str = "/lab/snapshots"


def topology(name: str, platform: Mapping[str, Any], *, user_namespace: bool, mark: str = "00000000") -> Topology:
    """The lab of a platform: the same names, roles, addresses and MACs."""
    net = platform["network"]
    machines = tuple(
        Machine(
            name=machine,
            role=spec["role"],
            address=spec["address"],
            mac=spec.get("mac") or "",
            interface=spec.get("link") or LINK,
        )
        for machine, spec in platform["machines"].items()
    )
    taken = {machine.address for machine in machines} | {net["endpoint"]}
    gateway = net.get("gateway") or next(str(a) for a in IPv4Network(net["nodes"]).hosts() if str(a) not in taken)
    aliases = tuple(a for a in net.get("resolvers") or () if a != gateway and a not in taken)
    return Topology(
        name=name,
        mark=mark,
        network=net["nodes"],
        gateway=gateway,
        aliases=aliases,
        machines=machines,
        user_namespace=user_namespace,
    )


def kubelet_config(substitutes: Substitutes) -> dict[str, Any]:
    """What kubelets must be told on this machine."""
    # Talos' own way to the API needs a minute to notice that it is up, and meanwhile the controller manager
    # and the scheduler end and are tried again ever more seldom: up to two minutes of waiting for nothing.
    config: dict[str, Any] = {"crashLoopBackOff": {"maxContainerRestartPeriod": "2s"}}
    # A node sees the disk of this machine, most of which it does not use: with less than 15 % of it free, kubelet
    # would take no pod, though gigabytes are left.
    config["evictionHard"] = {
        "imagefs.available": "2Gi",
        "imagefs.inodesFree": "1%",
        "memory.available": "100Mi",
        "nodefs.available": "2Gi",
        "nodefs.inodesFree": "1%",
    }
    # Nor may it clean up for the same reason.
    config |= {"imageGCHighThresholdPercent": 100, "imageGCLowThresholdPercent": 99}
    if not substitutes.cgroup_v2:
        config["failCgroupV1"] = False
    if substitutes.user_namespace:
        config["featureGates"] = {"KubeletInUserNamespace": True}
    return config


def rehearsed(
    platform: Mapping[str, Any], lab: Topology, substitutes: Substitutes
) -> tuple[dict[str, Any], list[Change]]:
    """The platform for the lab, and each difference from the stack's own."""
    made: dict[str, Any] = copy.deepcopy(dict(platform))
    changes: list[Change] = []

    def note(where: str, was: object, now: object, why: str) -> None:
        changes.append(Change(where, str(was), str(now), why))

    if made["talos"]["kubernetes"] != substitutes.kubernetes:
        note("talos.kubernetes", made["talos"]["kubernetes"], substitutes.kubernetes, "the release that is built here")
        made["talos"]["kubernetes"] = substitutes.kubernetes
    config = kubelet_config(substitutes)
    made["talos"]["patches"] = [
        *made["talos"].get("patches", ()),
        {"machine": {"kubelet": {"extraConfig": config}}},
        dict(substitutes.trust),
    ]
    note(
        "talos.patches",
        "",
        f"kubelet: {', '.join(sorted(config))}",
        "what the machine under the lab lacks, and containers that end are tried again sooner",
    )
    note("talos.patches", "", "TrustedRootsConfig", "the lab's registry has a certificate of its own")
    for name, machine in made["machines"].items():
        if not machine.get("link"):
            machine["link"] = LINK
    note("machines.*.link", "found by its MAC", LINK, "a virtual cable has no permanent hardware address")
    _snapshots(made, substitutes, note)
    _host(made, note)
    if made.pop("boot", None):
        note("boot", "matchbox", "none", "containers don't boot: nodes start in maintenance mode")
    if [machine.pop("bmc") for machine in made["machines"].values() if "bmc" in machine]:
        note("machines.*.bmc", "Redfish", "none", "containers have no power to switch")
    _mirror(made, lab, note)
    cilium = made["cilium"]
    note(
        "cilium.chart",
        f"{cilium.get('chart', 'cilium')} {cilium['version']}",
        "a stand-in",
        "Cilium's images can't be made from source here",
    )
    cilium |= {"chart": substitutes.chart, "repository": None}
    extras = made["talos"].setdefault("extras", {})
    if extras.get("serving_certificates", "cluster") == "cluster":
        extras["approver"] = _undigested(extras.get("approver", APPROVER))
        note(
            "talos.extras.approver",
            extras["approver"],
            "a stand-in that judges and asks the same",
            "its image can't be fetched, nor its module",
        )
    _workloads(made, note)
    if made.get("kubevirt"):
        note(
            "kubevirt",
            made["kubevirt"]["version"],
            "its objects, with a stand-in for the operator",
            "KubeVirt's images can't be made from source here: virtual machines are objects, none runs",
        )
    return made, changes


def _host(made: dict[str, Any], note: Any) -> None:
    """What a container has no kernel, disk or firmware of its own for, and a door for what is looked at from outside."""
    for where, part in [("talos", made["talos"]), *((f"machines.{name}", m) for name, m in made["machines"].items())]:
        for key, what in (
            ("sysctls", "kernel parameters"),
            ("modules", "kernel modules"),
            ("volumes", "disks"),
            ("watchdog", "watchdog"),
        ):
            if key in part:
                del part[key]
                note(f"{where}.{key}", "the platform's", "none", f"a container has no {what} of its own")
    if made["talos"].pop("logs", None):
        note("talos.logs", "the platform's receivers", "none", "nobody receives them in the lab")
    if made.get("registries", {}).pop("auth", None):
        note("registries.auth", "the platform's", "none", "the lab's registry asks nobody who they are")
    firewall = made["talos"].setdefault("firewall", {})
    if firewall.get("admins"):
        note("talos.firewall.admins", "the platform's", "any", "the lab's own commands come from its gateway")
        firewall["admins"] = []
    firewall["allow"] = {**firewall.get("allow", {}), "rehearsal": {"ports": [NODE_PORT], "sources": ["0.0.0.0/0"]}}
    note(
        "talos.firewall.allow",
        "",
        f"port {NODE_PORT}",
        "the stand-in for Cilium answers there, and Cilium's own services pass by this firewall",
    )


def _snapshots(made: dict[str, Any], substitutes: Substitutes, note: Any) -> None:
    want = made["talos"].get("snapshots") or {}
    now = {"folder": substitutes.snapshots, "schedule": want.get("schedule") or SCHEDULE, "to": {"claim": CLAIM}}
    for key, why in (
        ("folder", "files of a rehearsal lie beside it"),
        ("schedule", "the platform has none, and what it would make is shown"),
        ("to", "nobody serves NFS in the lab: the volume is a folder of the node"),
    ):
        if now[key] != want.get(key):
            note(f"talos.snapshots.{key}", want.get(key) or "none", now[key], why)
    made["talos"]["snapshots"] = now


def next_patch(version: str) -> str:
    """v1.14.2 -> v1.14.3: what a rehearsal moves to."""
    most, _, patch = version.rpartition(".")
    return f"{most}.{int(patch) + 1}"


def talosctl(platform: Mapping[str, Any]) -> list[str]:
    """The images that save a platform's etcd, before it moves and after."""
    version = platform["talos"]["version"]
    return [f"ghcr.io/siderolabs/talosctl:{each}" for each in (version, next_patch(version))]


def stand_ins(platform: Mapping[str, Any]) -> dict[str, list[str]]:
    """Images of others that a platform runs -> what the lab's image of that name runs instead."""
    found: dict[str, list[str]] = {}
    if want := platform.get("kubevirt"):
        found[f"{want.get('registry') or 'quay.io/kubevirt'}/virt-operator:{want['version']}"] = [
            "/usr/bin/virt-operator"
        ]
    extras = platform["talos"].get("extras", {})
    if extras.get("serving_certificates", "cluster") == "cluster":
        found[_undigested(extras.get("approver", APPROVER))] = ["/usr/bin/kubelet-serving-cert-approver"]
    for workload in (platform.get("workloads") or {}).values():
        found[_undigested(workload["image"])] = ["/hello", f":{workload.get('port') or HELLO_PORT}"]
    return found


def _undigested(image: str) -> str:
    """The image by its tag alone: no image made here has the bytes of the published one."""
    name, _, digest = image.partition("@")
    return name if not digest or ":" in name.rpartition("/")[2] else f"{name}:rehearsed"


def _workloads(made: dict[str, Any], note: Any) -> None:
    for name, workload in (made.get("workloads") or {}).items():
        note(
            f"workloads.{name}", workload["image"], "a stand-in that answers on its port", "its image can't be fetched"
        )
        workload["image"] = _undigested(workload["image"])
        workload.pop("command", None)


def _mirror(made: dict[str, Any], lab: Topology, note: Any) -> None:
    registries = made.setdefault("registries", {})
    hosts = sorted({*HOSTS, *(registries.get("mirrors") or {})})
    registries["mirrors"] = {host: {"endpoints": [lab.registry]} for host in hosts}
    note("registries.mirrors", "the platform's", lab.registry, "the lab's registry has the images built here")
