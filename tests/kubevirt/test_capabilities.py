"""What CDI knows of storage drivers is what its own code answers."""

import random
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from core.facts.storage_capabilities import CAPABILITIES, UNSUPPORTED, capabilities, depends_on_parameters
from tests.machineconfig.judge import Judge

pytestmark = pytest.mark.programs

# What some driver looks at, with values that it knows, that it does not know and that are written otherwise.
VALUES: dict[str, tuple[str, ...]] = {
    "migratable": ("true", "false", "True"),
    "nfsOptions": ("vers=4.2", ""),
    "fsType": ("ext4", ""),
    "csi.storage.k8s.io/fstype": ("nfs", "NFS", "ext4", "nfs4"),
    "protocol": ("nfs", "NFS", "iscsi", "smb", "nfs_treeq", "ftp", ""),
    "storage_protocol": ("iscsi", "fc", "nvme", "nfs", "nfs_treeq", "ISCSI", ""),
    "backendType": (
        "ontap-nas", "ontap-nas-economy", "ontap-san", "ontap-san-economy", "google-cloud-netapp-volumes", "solidfire",
    ),
    "selector": ("performance=flex", "a=b ; performance=flex", "performance=standard"),
    "type": ("io1", "io2", "gp2", "gp3", "st1", "hyperdisk-balanced", "hyperdisk-balanced-high-availability", "pd-ssd"),
    "backend": ("pure_block", "pure_fa_file", "other", ""),
    "sharedv4_mount_options": ("vers=3.0,nolock", "nolock,vers=3.0", "vers=4.0", "vers=3.0"),
    "overlayCSI": ("true", ""),
    "shared": ("true",),
}  # fmt: skip
# Drivers that CDI does not know, some of them close to one that it knows.
UNKNOWN = (
    "rancher.io/local-path", "local.csi.openebs.io", "storage.rbd.csi.ceph.com", "smb.csi.k8s.io",
    "driver.longhorn.io2", "org.democratic-csi.nfs", "zfs.csi.openebs.io", "io.openebs.csi-mayastor",
)  # fmt: skip
RANDOM_CLASSES = 1500


def drivers() -> list[str]:
    """Every driver of the table, by the name that a class has: without the suffix of its parameters."""
    known = {
        name.rpartition("/")[0] if depends_on_parameters(name.rpartition("/")[0]) else name for name in CAPABILITIES
    }
    return sorted(
        {*known, *UNSUPPORTED, *UNKNOWN, "csi.trident.netapp.io", "infinibox-csi-driver", "csi.san.synology.com"}
    )


def classes() -> Iterator[tuple[str, dict[str, str]]]:
    """Driver and parameters: each driver bare and with each single value, and many with several."""
    for driver in drivers():
        yield driver, {}
    for driver, (name, values) in product(drivers(), VALUES.items()):
        if depends_on_parameters(driver):
            yield from ((driver, {name: value}) for value in values)
    chance = random.Random(14)
    decided = [driver for driver in drivers() if depends_on_parameters(driver)]
    for _ in range(RANDOM_CLASSES):
        names = chance.sample(sorted(VALUES), chance.randint(2, 4))
        yield chance.choice(decided), {name: chance.choice(VALUES[name]) for name in names}


def question(driver: str, parameters: dict[str, str]) -> dict[str, Any]:
    """What the judge is asked of a class."""
    about = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "tested"}}
    return {"ask": "capabilities", "object": {**about, "provisioner": driver, "parameters": parameters}}


def test_every_class_can_do_what_cdi_says(judge: Judge):
    asked = list(dict.fromkeys((driver, tuple(sorted(given.items()))) for driver, given in classes()))
    answers = judge.all([question(driver, dict(given)) for driver, given in asked])
    assert not [answer["error"] for answer in answers if answer["error"]]
    told = [tuple((mode["access"], mode["volume"]) for mode in answer["modes"] or ()) for answer in answers]
    ours = [tuple((mode.access, mode.volume) for mode in capabilities(driver, dict(given))) for driver, given in asked]
    wrong = {each: (cdi, own) for each, cdi, own in zip(asked, told, ours, strict=True) if cdi != own}
    assert not wrong, dict(list(wrong.items())[:5])
    assert len(asked) > 1500 and len(set(told)) > 8 and sum(not each for each in told) > 100


def test_every_driver_that_cdi_knows_is_in_the_table(judge: Judge):
    (answer,) = judge.all([{"ask": "drivers"}])
    assert answer["drivers"] == sorted(CAPABILITIES)
    assert answer["unsupported"] == sorted(UNSUPPORTED)
