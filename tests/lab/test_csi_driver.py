"""The lab's storage driver, judged by the tests of the CSI project, and its loop devices."""

import fcntl
import os
import re
import subprocess
from pathlib import Path

import pytest

from lab import loops
from toolchain import absent, ensure

PARTS = ("csi-driver",)
built = pytest.mark.skipif(bool(absent(PARTS)), reason="the storage driver is not built: ./bedplate setup csi-driver")
# What the driver mounts ends with this namespace. Whoever is not root gets a user namespace, as nodes have one.
APART = ["unshare", "--mount", *(["--map-root-user"] if os.geteuid() else [])]
SCRIPT = """
"$DRIVER" --endpoint="$FOLDER/csi.sock" --node=one --folder="$FOLDER/shared" --devices="$DEVICES" 2>"$FOLDER/log" &
trap "kill $!" EXIT
while [ ! -S "$FOLDER/csi.sock" ]; do sleep 0.05; done
"$SANITY" --csi.endpoint="unix://$FOLDER/csi.sock" --csi.mountdir="$FOLDER/mount" --csi.stagingdir="$FOLDER/staging" \
  --csi.testvolumeaccesstype="$KIND" --ginkgo.no-color
"""


def verdict(folder, kind, devices="none"):
    """What the CSI project's tests say of a driver whose volumes are below `folder`."""
    files = ensure(PARTS)
    given = {"DRIVER": files["csi-driver"], "SANITY": files["csi-sanity"], "FOLDER": folder, "KIND": kind}
    environment = {**os.environ, **{name: str(each) for name, each in given.items()}, "DEVICES": str(devices)}
    return subprocess.run(
        [*APART, "sh", "-c", SCRIPT], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def devices(tmp_path):
    """A pattern of loop devices that are this test's own."""
    if os.geteuid() or not loops.lend(tmp_path / "loops", os.geteuid(), count=4):
        pytest.skip("this computer, or this user, has no loop devices to give")
    yield tmp_path / "loops" / "loop*"
    assert loops.take_back(tmp_path / "loops") == 4


def _passed(done):
    ran = re.search(r"(\d+) Passed \| 0 Failed", done.stdout)
    assert done.returncode == 0 and ran, done.stdout[-6000:] + done.stderr[-2000:]
    return int(ran[1])


@built
@pytest.mark.programs
def test_volumes_that_pods_mount(tmp_path):
    assert _passed(verdict(tmp_path, "mount")) > 60
    assert not list((tmp_path / "shared/volumes").iterdir()) and not list((tmp_path / "shared/snapshots").iterdir())


@built
@pytest.mark.programs
def test_volumes_that_are_block_devices(tmp_path, devices):
    assert _passed(verdict(tmp_path, "block", devices)) > 60


@built
@pytest.mark.programs
def test_no_block_device_without_a_loop_device(tmp_path):
    done = verdict(tmp_path, "block")
    assert done.returncode and "none of the 0 loop devices none is free" in (tmp_path / "log").read_text()


def _attached(device, file):
    """Let the device show the file: Linux, include/uapi/linux/loop.h, LOOP_SET_FD."""
    with open(device, "r+b", buffering=0) as loop, open(file, "r+b", buffering=0) as behind:
        fcntl.ioctl(loop, 0x4C00, behind.fileno())


def test_what_a_killed_lab_left_attached_is_taken_back(tmp_path, devices):
    first, second = loops.lent(tmp_path / "loops")[:2]
    (tmp_path / "image").write_bytes(bytes(1 << 20))
    _attached(first, tmp_path / "image")
    # As the kubelet locks a block device: by another that has it as its file.
    _attached(second, first)
    assert loops.take_back(tmp_path / "loops") == 4
    assert not [node for node in (first.name, second.name) if Path(f"/sys/block/{node}/loop").exists()]
    assert loops.lend(tmp_path / "loops", os.geteuid(), count=4)


def test_a_computer_without_loop_devices_lends_none(tmp_path):
    assert loops.lend(tmp_path / "loops", 0, control=tmp_path / "loop-control") == []
    assert loops.take_back(tmp_path / "loops") == 0
