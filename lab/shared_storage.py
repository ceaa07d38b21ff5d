"""A class of storage whose volumes several nodes share, with snapshots: as a cluster has it from elsewhere.

The driver is the lab's own (toolchain/parts/csi-driver), and what stands between it and Kubernetes is real.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from .images import Image
from .spec import SHARED
from .talosapi import Clients
from .waiting import wait_for

CLASS = "lab-shared"
"""The StorageClass, and the VolumeSnapshotClass."""
DRIVER = "files.bedplate.local"
NAMESPACE = "lab-storage"
IMAGE = "bedplate.local/csi"
SHELL = "bedplate.local/shell:v1"
"""An image with a shell, for pods that read and write volumes."""
MODES = ["RWX Block", "RWX Filesystem", "RWO Block", "RWO Filesystem"]
STACK = {"provisioner": DRIVER, "modes": MODES, "snapshots": CLASS}
"""The class as the stack file names it."""
PROGRAMS = ("csi-driver", "csi-provisioner", "csi-resizer", "csi-snapshotter", "snapshot-controller")
DEFINITIONS = tuple(
    f"snapshot.storage.k8s.io_{kind}.yaml"
    for kind in ("volumesnapshotclasses", "volumesnapshotcontents", "volumesnapshots")
)
HERE = Path(__file__).resolve().parent


def wanted(platform: Mapping[str, Any]) -> bool:
    """Whether the platform keeps disks anywhere, so that a rehearsal shows shared ones too."""
    return bool(platform.get("storage"))


def images(built: Mapping[str, Path]) -> list[Image]:
    """The driver, its sidecars and a shell."""
    busybox = built["vm-disk-tools-tree"] / "usr/bin/busybox"
    applets = ("sh", "cat", "dd", "echo", "md5sum", "sha256sum", "sleep", "stat", "sync", "df", "ls", "blockdev")
    return [
        *(
            Image(name=f"{IMAGE}/{name}:v1", entrypoint=[f"/usr/bin/{name}"], files={f"usr/bin/{name}": built[name]})
            for name in PROGRAMS
        ),
        Image(
            name=SHELL,
            entrypoint=["/bin/sh"],
            files={"bin/busybox": busybox},
            links={f"bin/{name}": "busybox" for name in applets},
        ),
    ]


def manifests() -> list[dict[str, Any]]:
    """The driver on every node, its controller, the snapshot controller, and both classes."""
    text = (HERE / "charts" / "shared-storage.yaml").read_text()
    values = {"SHARED": SHARED, "DRIVER": DRIVER, "CLASS": CLASS, "SPACE": NAMESPACE, "IMAGE": IMAGE}
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return list(yaml.safe_load_all(text))


def definitions(built: Mapping[str, Path]) -> list[dict[str, Any]]:
    """The definitions of snapshots, from the release of the sidecars."""
    return [yaml.safe_load(built[name].read_text()) for name in DEFINITIONS]


def install(clients: Clients, built: Mapping[str, Path]) -> None:
    """Bring the class into a running cluster, and wait until every node has the driver."""
    _apply(clients, definitions(built))
    for name in DEFINITIONS:
        kind = name.removesuffix(".yaml").partition("_")[2]
        clients.kube("wait", "--for=condition=Established", f"crd/{kind}.snapshot.storage.k8s.io", "--timeout=30s")
    _apply(clients, manifests())
    for workload in ("daemonset/driver", "deployment/controller", "deployment/snapshot-controller"):
        clients.kube("rollout", "status", workload, f"--namespace={NAMESPACE}", "--timeout=120s", seconds=130)
    wait_for("every node to have the storage driver", lambda: _known(clients), seconds=60, every=1)


def _known(clients: Clients) -> bool:
    nodes = clients.get("csinodes")["items"]
    return bool(nodes) and all(DRIVER in {each["name"] for each in node["spec"].get("drivers") or ()} for node in nodes)


def _apply(clients: Clients, objects: list[dict[str, Any]]) -> None:
    clients.kube(
        "apply", "--server-side", "--force-conflicts", "--filename=-", stdin=yaml.safe_dump_all(objects), seconds=60
    )
