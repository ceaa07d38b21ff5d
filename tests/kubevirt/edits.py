"""Changes of a VirtualMachine object, one for each rule of what KubeVirt applies to a running VM."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

Manifest = dict[str, Any]
Edit = Callable[[Manifest], None]


def claim(name: str, **more: Any) -> dict[str, Any]:
    """A volume's source."""
    return {"persistentVolumeClaim": {"claimName": name, **more}}


def machine() -> Manifest:
    """A VM with persistent disks, room to grow, and links of three kinds."""
    devices = {
        "disks": [
            {"name": "root", "disk": {"bus": "virtio"}},
            {"name": "cloud-init", "disk": {"bus": "virtio"}},
            {"name": "media", "cdrom": {"bus": "sata"}},
            {"name": "plugged", "disk": {"bus": "scsi"}},
        ],
        "interfaces": [
            {"name": "default", "masquerade": {}, "model": "virtio", "macAddress": "02:00:00:00:00:01"},
            {"name": "vlan", "bridge": {}, "model": "virtio", "macAddress": "02:00:00:00:00:02"},
        ],
        "rng": {},
    }
    spec = {
        "evictionStrategy": "LiveMigrate",
        "nodeSelector": {"kubernetes.io/arch": "amd64"},
        "architecture": "amd64",
        "domain": {
            "cpu": {"sockets": 2, "cores": 1, "threads": 1, "maxSockets": 8},
            "memory": {"guest": "4Gi", "maxGuest": "16Gi"},
            "firmware": {"uuid": "5d307ca9-b3ef-428c-8861-06e72d69f223", "serial": "web"},
            "devices": devices,
        },
        "networks": [{"name": "default", "pod": {}}, {"name": "vlan", "multus": {"networkName": "vms/vlan-20"}}],
        "volumes": [
            {"name": "root", **claim("web")},
            {"name": "cloud-init", "cloudInitNoCloud": {"secretRef": {"name": "web-cloud-init"}}},
            {"name": "media", **claim("web-media")},
            {"name": "plugged", **claim("web-plugged", hotpluggable=True)},
        ],
    }
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachine",
        "metadata": {"name": "web", "namespace": "vms", "labels": {"bedplate/vm": "web"}},
        "spec": {"runStrategy": "Always", "template": {"metadata": {"labels": {"bedplate/vm": "web"}}, "spec": spec}},
    }


def edited(manifest: Mapping[str, Any], *edits: Edit) -> Manifest:
    """A copy with these changes."""
    made = copy.deepcopy(dict(manifest))
    for edit in edits:
        edit(made)
    return made


def put(path: str, value: Any) -> Edit:
    """Sets a field of the object. An entry of a list goes by its name: volumes[root].persistentVolumeClaim."""

    def edit(manifest: Manifest) -> None:
        *parents, last = path.split(".")
        holder: Any = manifest
        for key in parents:
            holder = _entry(holder, key)
        if value is None:
            holder.pop(last, None)
        else:
            holder[last] = value

    return edit


def inside(path: str, value: Any) -> Edit:
    """Sets a field of spec.template.spec."""
    return put(f"spec.template.spec.{path}", value)


def _entry(holder: Any, key: str) -> Any:
    name, _, entry = key.partition("[")
    inner = holder.setdefault(name, {})
    if not entry:
        return inner
    # An entry that an earlier change removed can be changed no more.
    return next((each for each in inner if each["name"] == entry[:-1]), {})


def added(path: str, entry: dict[str, Any]) -> Edit:
    """Appends to a list of spec.template.spec."""

    def edit(manifest: Manifest) -> None:
        _list(manifest, path).append(entry)

    return edit


def removed(path: str, name: str) -> Edit:
    """Removes an entry of a list of spec.template.spec."""

    def edit(manifest: Manifest) -> None:
        entries = _list(manifest, path)
        entries[:] = [entry for entry in entries if entry["name"] != name]

    return edit


def both(*edits: Edit) -> Edit:
    """Several changes as one."""

    def edit(manifest: Manifest) -> None:
        for each in edits:
            each(manifest)

    return edit


def _list(manifest: Manifest, path: str) -> list[dict[str, Any]]:
    holder: Any = manifest["spec"]["template"]["spec"]
    for key in path.split("."):
        holder = holder[key]
    assert isinstance(holder, list)
    return holder


DISKS, LINKS = "domain.devices.disks", "domain.devices.interfaces"
MIGRATION = put("spec.updateVolumesStrategy", "Migration")
# For each rule its changes. Pairs of them are tried as well.
EDITS: dict[str, Edit] = {
    "sockets up": inside("domain.cpu.sockets", 4),
    "sockets to the most": inside("domain.cpu.sockets", 8),
    "sockets down": inside("domain.cpu.sockets", 1),
    "cores": inside("domain.cpu.cores", 2),
    "threads": inside("domain.cpu.threads", 2),
    "most sockets": inside("domain.cpu.maxSockets", 16),
    "cpu model": inside("domain.cpu.model", "host-passthrough"),
    "dedicated CPUs": inside("domain.cpu.dedicatedCpuPlacement", True),
    "memory up": inside("domain.memory.guest", "8Gi"),
    "memory to the most": inside("domain.memory.guest", "16Gi"),
    "memory down": inside("domain.memory.guest", "2Gi"),
    "the same memory otherwise": inside("domain.memory.guest", "4096Mi"),
    "most memory": inside("domain.memory.maxGuest", "32Gi"),
    "another node label": inside("nodeSelector", {"kubernetes.io/arch": "amd64", "bedplate/class": "large"}),
    "no node label": inside("nodeSelector", None),
    "affinity": inside(
        "affinity",
        {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 1, "podAffinityTerm": {"topologyKey": "kubernetes.io/hostname"}}]}},
    ),
    "tolerations": inside("tolerations", [{"key": "dedicated", "operator": "Exists"}]),
    "a plugged volume": both(
        added("volumes", {"name": "more", **claim("web-more", hotpluggable=True)}),
        added(DISKS, {"name": "more", "disk": {"bus": "scsi"}}),
    ),
    "a plugged volume away": both(removed("volumes", "plugged"), removed(DISKS, "plugged")),
    "another claim of a plugged volume": inside("volumes[plugged].persistentVolumeClaim.claimName", "web-other"),
    "a volume": both(
        added("volumes", {"name": "more", **claim("web-more")}), added(DISKS, {"name": "more", "disk": {"bus": "scsi"}})
    ),
    "a volume away": both(removed("volumes", "cloud-init"), removed(DISKS, "cloud-init")),
    "another root claim": inside("volumes[root].persistentVolumeClaim.claimName", "web-other"),
    "root moved to another claim": both(
        MIGRATION, inside("volumes[root].persistentVolumeClaim.claimName", "web-other")
    ),
    "volumes may move": MIGRATION,
    "a CD-ROM away": both(removed("volumes", "media"), removed(DISKS, "media")),
    "another bus": inside("domain.devices.disks[root].disk.bus", "sata"),
    "a disk's boot order": inside("domain.devices.disks[root].bootOrder", 1),
    "a VLAN link": both(
        added(LINKS, {"name": "dmz", "bridge": {}}),
        added("networks", {"name": "dmz", "multus": {"networkName": "vms/vlan-30"}}),
    ),
    "an SR-IOV link": both(
        added(LINKS, {"name": "fast", "sriov": {}}),
        added("networks", {"name": "fast", "multus": {"networkName": "vms/fast"}}),
    ),
    "a link out": inside("domain.devices.interfaces[vlan].state", "absent"),
    "a link unplugged": inside("domain.devices.interfaces[vlan].state", "down"),
    "a link away": both(removed(LINKS, "vlan"), removed("networks", "vlan")),
    "another MAC": inside("domain.devices.interfaces[vlan].macAddress", "02:00:00:00:00:09"),
    "another model": inside("domain.devices.interfaces[default].model", "e1000"),
    "another network": inside("networks[vlan].multus.networkName", "vms/vlan-30"),
    "off": put("spec.runStrategy", "Halted"),
    "rerun": put("spec.runStrategy", "RerunOnFailure"),
    "a label of the object": put("metadata.labels", {"bedplate/vm": "web", "team": "a"}),
    "an annotation of the object": put("metadata.annotations", {"owner": "a"}),
    "a label of the instance": put("spec.template.metadata.labels", {"bedplate/vm": "web", "team": "a"}),
    "firmware": inside("domain.firmware.bootloader", {"efi": {"secureBoot": False}}),
    "another UUID": inside("domain.firmware.uuid", "6d307ca9-b3ef-428c-8861-06e72d69f224"),
    "another serial": inside("domain.firmware.serial", "other"),
    "machine type": inside("domain.machine", {"type": "pc-q35-9.2"}),
    "the machine type that KubeVirt writes": inside("domain.machine", {"type": "q35"}),
    "a TPM": inside("domain.devices.tpm", {}),
    "a watchdog": inside("domain.devices.watchdog", {"name": "dog", "i6300esb": {"action": "reset"}}),
    "no rng": inside("domain.devices.rng", None),
    "eviction": inside("evictionStrategy", "None"),
    "a probe": inside("readinessProbe", {"tcpSocket": {"port": 22}, "periodSeconds": 10}),
    "the time to stop": inside("terminationGracePeriodSeconds", 180),
    "a hostname": inside("hostname", "web-1"),
    "another cloud-init": inside("volumes[cloud-init].cloudInitNoCloud.secretRef.name", "web-cloud-init-2"),
    "spread": inside(
        "topologySpreadConstraints",
        [{"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"}],
    ),
    "a priority": inside("priorityClassName", "high"),
}  # fmt: skip
