"""The virtual machines of a rehearsed platform: small guests under the images' own names, emulated."""

from collections.abc import Callable
from typing import Any

from .standins import undigested

# What each virtual machine has.
GUEST = {"cpu": 1, "memory": "256Mi"}


def rehearsed(platform: dict[str, Any], note: Callable[[str, object, object, str], None], version: str) -> None:
    """Change the platform's KubeVirt and machines to what a lab can run; `note` is called with each change.

    version: the release of KubeVirt that is built here.
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
