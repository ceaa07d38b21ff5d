"""Disks: how Talos selects them, encrypts them, and leaves them to storage drivers."""

import json
from collections.abc import Iterator
from typing import Any

from core.facts import disk_size
from core.model import MachineSpec, Platform
from core.model.disk import DiskSpec
from core.model.host import VolumeSpec

from .document import Document, by_documents, document

_TYPES = {
    "nvme": 'disk.transport == "nvme"',
    "sd": 'disk.transport == "mmc"',
    "hdd": "disk.rotational",
    "ssd": "!disk.rotational",
}


def expression(disk: DiskSpec) -> str:
    """The CEL expression that selects the disk, as Talos itself builds one from machine.install.diskSelector."""
    # A JSON string is a CEL string. Device mapper and loop devices have no transport, so the first term excludes them.
    terms = ['disk.transport != ""']
    terms += [
        f"glob({json.dumps(value)}, disk.{key})" for key in ("wwid", "model", "serial") if (value := getattr(disk, key))
    ]
    if disk.size:
        limit = disk_size.parse(disk.size)
        terms.append(f"disk.size {limit.operator} {limit.size}u")
    if disk.type:
        terms.append(_TYPES[disk.type])
    return " && ".join(terms)


def encryption(platform: Platform, secureboot: bool, state: bool = False) -> dict[str, Any] | None:
    """The encryption of a machine's volume: LUKS2 with the platform's kind of key; None without encryption.

    The key of every volume except STATE is locked to STATE, so that a disk without STATE can't be decrypted.
    """
    talos = platform.talos
    # A key sealed while SecureBoot is off would open for any operating system that boots.
    tpm = {"checkSecurebootStatusOnEnroll": True} if secureboot else {}
    keys: dict[str, dict[str, Any]] = {
        "tpm": {"tpm": tpm},
        "kms": {"kms": {"endpoint": talos.kms}},
        "node-id": {"nodeID": {}},
    }
    key = keys.get(talos.disk_encryption)
    if key is None:
        return None
    return {"provider": "luks2", "keys": [{"slot": 0, **key, **({} if state else {"lockToState": True})}]}


def disks(platform: Platform, name: str, machine: MachineSpec) -> Iterator[Document]:
    """Encryption and mounts of Talos' own volumes, and the volumes for storage drivers."""
    # A secure mount forbids opening device nodes below /var, and KubeVirt creates its disks' device nodes there.
    mount: dict[str, Any] = {"mount": {"secure": platform.kubevirt is None}} if by_documents(platform) else {}
    own: dict[str, dict[str, Any]] = {"STATE": {}, "EPHEMERAL": mount}
    secureboot = platform.schematic_of(name).secureboot
    for label, more in own.items():
        sealed = encryption(platform, secureboot, state=label == "STATE")
        if sealed or more:
            yield document("VolumeConfig", name=label, **more, **({"encryption": sealed} if sealed else {}))
    for label, volume in machine.volumes.items():
        yield _volume(label, volume, encryption(platform, secureboot))
    local = platform.storage.local if platform.storage else None
    if local is not None and local.volume not in machine.volumes and name in platform.schedulable:
        # A folder of EPHEMERAL. Pods can't make one below /var/mnt by themselves, because the kubelet only reads there.
        yield document("UserVolumeConfig", name=local.volume, volumeType="directory")


def _volume(name: str, volume: VolumeSpec, sealed: dict[str, Any] | None) -> Document:
    size = {"maxSize": f"{volume.max}B"} if volume.max else {}
    raw = volume.filesystem == "none"
    return document(
        "RawVolumeConfig" if raw else "UserVolumeConfig",
        name=name,
        provisioning={
            "diskSelector": {"match": f"!system_disk && {expression(volume.disk)}"},
            "minSize": f"{volume.min}B",
            **size,
            "grow": not size,
        },
        **({} if raw else {"filesystem": {"type": volume.filesystem}}),
        **({"encryption": sealed} if sealed else {}),
    )
