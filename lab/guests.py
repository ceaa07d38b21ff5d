"""The virtual machines of a rehearsed platform: small guests under the images' own names, emulated."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from .standins import undigested

_NO_DISKS: Mapping[str, Mapping[str, str]] = MappingProxyType({})
# What each virtual machine has.
GUEST = {"cpu": 1, "memory": "256Mi"}
# A disk with room for the guest's image.
DISK_SIZE = "256Mi"

# Sources of disks that are elsewhere.
_ELSEWHERE = ("http", "s3", "registry")
Note = Callable[[str, object, object, str], None]


def rehearsed(
    platform: dict[str, Any], note: Note, version: str, disks: Mapping[str, Mapping[str, str]] = _NO_DISKS
) -> None:
    """Change the platform's KubeVirt and machines to what a lab can run; `note` is called with each change.

    version: the release of KubeVirt that is built here. disks: where the guest's disk is, by its format.
    """
    want = platform.get("kubevirt")
    if not want:
        return
    if want["version"] != version:
        note("kubevirt.version", want["version"], version, "this is the release that is built here")
        want["version"] = version
    if not want.get("emulation"):
        note("kubevirt.emulation", "false", "true", "nodes in containers have no KVM: guests are emulated")
        want["emulation"] = True
    for name, vm in (platform.get("vms") or {}).items():
        for key, now in GUEST.items():
            if key in vm and vm[key] != now:
                note(f"vms.{name}.{key}", vm[key], now, "the lab's small guest needs no more, and is emulated")
                vm[key] = now
        if image := vm.get("image"):
            note(f"vms.{name}.image", image, "the lab's small guest under this name", "it can't be fetched")
            vm["image"] = undigested(image)
        for path, disk in {"disk": vm.get("disk"), **{f"disks.{key}": each for key, each in _more(vm)}}.items():
            _source(f"vms.{name}.{path}", disk or {}, note, disks)
            _kept(f"vms.{name}.{path}", disk or {}, note)


def _more(vm: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    return (vm.get("disks") or {}).items()


def _source(path: str, disk: dict[str, Any], note: Note, disks: Mapping[str, Mapping[str, str]]) -> None:
    source = disk.get("from") or {}
    kind = next((kind for kind in _ELSEWHERE if kind in source), None)
    if kind is None or not disks:
        return
    now = disks["vmdk" if str(source[kind].get("url", "")).endswith(".vmdk") else "qcow2"]
    note(f"{path}.from", source[kind].get("url") or source[kind].get("image"), now["url"], "it can't be fetched")
    disk["from"] = {"http": dict(now)}
    if disk.get("size", DISK_SIZE) != DISK_SIZE:
        note(f"{path}.size", disk["size"], DISK_SIZE, "the lab's small guest needs no more")
        disk["size"] = DISK_SIZE


def _kept(path: str, disk: dict[str, Any], note: Note) -> None:
    """Let destroy delete a disk: a kept one would leave all that it needs, to the cluster itself, in the state."""
    if "size" in disk and disk.get("keep", True):
        note(f"{path}.keep", "true", "false", "what a rehearsal makes, its destroy deletes")
        disk["keep"] = False
