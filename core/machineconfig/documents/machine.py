"""The identity of a machine: its name, install disk, labels, taints, and what identifies its hardware."""

from collections.abc import Iterator

from core.facts.node_labels import CONTROL_PLANE, NO_BALANCING, is_forbidden
from core.model import MachineSpec, Platform, placing

from .controlplane import announces
from .disks import expression
from .document import Document, by_documents, document


def identity(platform: Platform, name: str, machine: MachineSpec) -> Iterator[Document]:
    """Name, install disk, labels and taints. Annotations name the hardware, so that replacing it changes the config."""
    yield from _documents(platform, name, machine) if by_documents(platform) else _fields(platform, name, machine)
    # The generator writes a HostnameConfig with auto: stable, which conflicts with a name.
    yield document("HostnameConfig", hostname=name, auto="off")


def annotations(platform: Platform, name: str, machine: MachineSpec) -> dict[str, str]:
    """Annotations by key: what identifies the hardware, where it stands, and the exceptions recorded for it."""
    marks = {
        "bedplate/boot-mac": machine.mac,
        "bedplate/install-disk": machine.install.disk.serial or machine.install.disk.wwid,
        "bedplate/uuid": machine.uuid,
        "bedplate/serial": machine.serial,
        "bedplate/site": machine.location.site,
        "bedplate/rack": machine.location.rack,
        "bedplate/unit": str(machine.location.unit or ""),
        **dict(e.mark for e in platform.exceptions if not e.machines or name in e.machines),
    }
    return {key: mark for key, mark in marks.items() if mark}


def _labels(platform: Platform, name: str, machine: MachineSpec) -> dict[str, str]:
    """The labels that Talos sets: not those that the API refuses from a worker's kubelet (core/machineconfig/node.py).

    Taints stay: the kubelet registers a new Node with them, and they are changed with the platform's kubeconfig.
    """
    labels = {**machine.labels, **machine.location.labels, **placing.node_labels(platform, name)}
    return {key: value for key, value in labels.items() if machine.role != "worker" or not is_forbidden(key)}


def _fields(platform: Platform, name: str, machine: MachineSpec) -> Iterator[Document]:
    disk = machine.install.disk.model_dump(exclude_none=True)
    yield {
        "machine": {
            "install": {
                "image": platform.installer_of(name),
                "diskSelector": disk,
                "wipe": False,
                "grubUseUKICmdline": True,
            },
            "nodeAnnotations": annotations(platform, name, machine),
        }
    }
    labels = _labels(platform, name, machine)
    if labels or machine.taints:
        yield {
            "machine": {
                key: dict(value) for key, value in (("nodeLabels", labels), ("nodeTaints", machine.taints)) if value
            }
        }


def _documents(platform: Platform, name: str, machine: MachineSpec) -> Iterator[Document]:
    yield document(
        "UnattendedInstallConfig",
        installer={"image": platform.installer_of(name)},
        provisioning={"diskSelector": {"match": expression(machine.install.disk)}, "wipe": False},
    )
    labels: dict[str, object] = {**_labels(platform, name, machine)}
    taints: dict[str, object] = dict(machine.taints)
    if machine.role == "controlplane":
        labels |= {CONTROL_PLANE: "", NO_BALANCING: {"$patch": "delete"} if announces(platform) else ""}
        taints |= {CONTROL_PLANE: {"$patch": "delete"} if platform.talos.schedulable_control_planes else "NoSchedule"}
    settings = (("annotations", annotations(platform, name, machine)), ("labels", labels), ("taints", taints))
    yield document("KubeNodeConfig", **{key: value for key, value in settings if value})
