"""Stack files with VMs that have disks of their own."""

from typing import Any

from tests.conftest import changed

SHA = "sha256:" + "4914e4dceceaec5fedf64511afe3101764a430027a549bf1fb18478894f32f8a"
HTTP = {"http": {"url": "https://images.example.com/fedora-42.qcow2", "checksum": SHA}}
REGISTRY = {"registry": {"image": f"quay.io/containerdisks/fedora:42@{SHA}"}}
SOURCES: list[dict[str, Any]] = [
    HTTP,
    REGISTRY,
    {"s3": {"url": "https://s3.example.com/images/fedora.vmdk", "secret": "s3-login"}},
    {"claim": {"name": "golden"}},
    {"claim": {"name": "golden", "namespace": "images"}},
    {"snapshot": {"name": "golden-1"}},
    {"upload": True},
    {"blank": True},
]
# Edits of dev, as `changed` makes them, by which its VM keeps nothing and no disk needs a place.
EPHEMERAL = {
    "storage": None,
    "vms.web.disk": None,
    "vms.web.ephemeral": True,
    "vms.web.image": "quay.io/containerdisks/fedora:42",
}
CLASSES = {
    "ceph-block": {"provisioner": "rook-ceph.rbd.csi.ceph.com", "snapshots": "ceph-block"},
    "longhorn": {"provisioner": "driver.longhorn.io", "binding": "WaitForFirstConsumer"},
    "files": {"provisioner": "nfs.csi.k8s.io"},
}


def with_disk(raw: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A stack file whose only VM, db, has a disk in Ceph; more: further keys of the VM."""
    vm = {"cpu": 2, "memory": "4Gi", "disk": {"size": "20Gi", "from": HTTP}, **more}
    made: dict[str, Any] = changed(raw, {"storage": {"classes": CLASSES, "default": "ceph-block"}, "vms": {"db": vm}})
    return made
