"""A copy of a VM, as an entry of the stack file whose disks are made from a snapshot."""

from collections.abc import Iterator

import yaml

from core.model import Platform
from core.model.claims import claims
from core.model.virtualization import ROOT

from .cluster import Refused, Vm

_OWN = ("mac", "uuid", "expose")
"""Keys of which a copy has its own, or none."""


def entry(platform: Platform, vm: Vm, copy: str, snapshot: str) -> str:
    """The entry of the copy, as a stack file has it: the VM's own, with disks from the snapshot. Raises Refused."""
    volumes = dict(_snapshots(vm, snapshot))
    spec = platform.vms[vm.name]
    made = spec.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={*_OWN, "disk", "disks"})
    disks = {}
    for each in claims(platform, vm.name):
        if each.disk not in volumes:
            raise Refused(f"snapshot {snapshot} lacks the disk {each.disk} of VM {vm.name}; make another one")
        of = each.spec.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={"from_", "claim"})
        disks[each.disk] = {**of, "from": {"snapshot": {"name": volumes[each.disk]}}}
    made = {"disk": disks.pop(ROOT), **({"disks": disks} if disks else {}), **made}
    return yaml.safe_dump({copy: made}, sort_keys=False, default_flow_style=False, allow_unicode=True)


def _snapshots(vm: Vm, name: str) -> Iterator[tuple[str, str]]:
    """Each disk with the VolumeSnapshot of its claim."""
    found = vm.snapshot(name)
    status = (found or {}).get("status") or {}
    content = vm.content(str(status.get("virtualMachineSnapshotContentName")))
    if found is None or content is None or not status.get("readyToUse"):
        raise Refused(f"snapshot {name} of VM {vm.name} is not complete; make another one")
    for each in (content.get("spec") or {}).get("volumeBackups") or []:
        if each.get("volumeSnapshotName"):
            yield str(each["volumeName"]), str(each["volumeSnapshotName"])
