"""Disks: how they are found, encrypted, and given to storage drivers."""

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
    """The disk as a CEL expression, as Talos itself makes one of machine.install.diskSelector."""
    # Text of JSON is text of CEL. A transport keeps device mapper and loop devices out.
    found = ['disk.transport != ""']
    found += [
        f"glob({json.dumps(value)}, disk.{key})" for key in ("wwid", "model", "serial") if (value := getattr(disk, key))
    ]
    if disk.size:
        wanted = disk_size.parse(disk.size)
        found.append(f"disk.size {wanted.operator} {wanted.size}u")
    if disk.type:
        found.append(_TYPES[disk.type])
    return " && ".join(found)


def encryption(platform: Platform, state: bool = False) -> dict[str, Any] | None:
    """LUKS2 with the platform's kind of key, or None where disks are not encrypted.

    The keys of all volumes but STATE are locked to STATE, so that a disk without it can't be decrypted.
    """
    talos = platform.talos
    # Sealed while SecureBoot was off, a key would open for any system that is booted.
    tpm = {"checkSecurebootStatusOnEnroll": True} if talos.schematic.secureboot else {}
    keys: dict[str, dict[str, Any]] = {
        "tpm": {"tpm": tpm},
        "kms": {"kms": {"endpoint": talos.kms}},
        "node-id": {"nodeID": {}},
    }
    key = keys.get(talos.disk_encryption)
    if key is None:
        return None
    return {"provider": "luks2", "keys": [{"slot": 0, **key, **({} if state else {"lockToState": True})}]}


def disks(platform: Platform, machine: MachineSpec) -> Iterator[Document]:
    """Talos' own volumes, and those of storage drivers."""
    # With it no device node below /var could be opened; KubeVirt makes them there for disks.
    mount = {"mount": {"secure": platform.kubevirt is None}} if by_documents(platform) else {}
    for name, more in (("STATE", {}), ("EPHEMERAL", mount)):
        sealed = encryption(platform, state=name == "STATE")
        if sealed or more:
            yield document("VolumeConfig", name=name, **more, **({"encryption": sealed} if sealed else {}))
    for name, volume in machine.volumes.items():
        yield _volume(platform, name, volume)


def _volume(platform: Platform, name: str, volume: VolumeSpec) -> Document:
    sealed = encryption(platform)
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
