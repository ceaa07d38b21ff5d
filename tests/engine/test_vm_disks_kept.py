"""What the real engine plans for a disk that exists: it grows, and its data are lost only where the file says so."""

import json
import subprocess

import pytest

from tests.diskvms import HTTP

pytestmark = pytest.mark.engine

DISK = {"size": "20Gi", "from": HTTP}
STACK = {
    "storage": {"classes": {"ceph": {"provisioner": "rook-ceph.rbd.csi.ceph.com"}}},
    "vms.web.ephemeral": None,
    "vms.web.image": None,
    "vms.web.disk": DISK,
}
OTHER = {"registry": {"image": f"quay.io/containerdisks/fedora:42@{HTTP['http']['checksum']}"}}
KINDS = ("DataVolume::vm-web/root", "VmDisk::vm-web/root", "VirtualMachine::vm-web")


@pytest.fixture
def planned(checkout):
    """A stack whose state is its first plan, and what the engine says of it after an edit."""
    here = checkout("dev")
    here.edit("dev", STACK)
    plan = json.loads(here.pulumi("preview", "--stack", "dev", "--json", network=False).stdout)
    exported = json.loads(here.pulumi("stack", "export", "--stack", "dev").stdout)
    exported["deployment"]["resources"] = [_made(step["newState"]) for step in plan["steps"]]
    subprocess.run(
        ["pulumi", "stack", "import", "--stack", "dev"],
        input=json.dumps(exported),
        text=True,
        capture_output=True,
        cwd=here.folder,
        env=here.environment,
        check=True,
    )

    def after(disk, **vm):
        here.edit("dev", {"vms.web.disk": disk, **{f"vms.web.{key}": value for key, value in vm.items()}})
        # The disk alone: the API is not there, and nothing else changed.
        found = here.pulumi("preview", "--stack", "dev", "--json", check=False, network=False)
        shown = json.loads(found.stdout)
        steps = {name: step["op"] for step in shown.get("steps", []) for name in KINDS if step["urn"].endswith(name)}
        return steps, " ".join(each["message"] for each in shown.get("diagnostics", []) if each["severity"] == "error")

    return after


def _made(state):
    made = {**state, "outputs": state.get("outputs") or state.get("inputs", {})}
    return made | ({"id": f"id-of-{state['urn'].rpartition('::')[2]}"} if state.get("custom") else {})


def test_a_disk_that_exists_is_kept(planned):
    _, said = planned({**DISK, "size": "10Gi"})
    assert "is now 10Gi, and disk root of VM web has 20Gi; what is at its end would be cut off" in said
    _, said = planned({**DISK, "from": OTHER})
    assert "another one would be a new disk, and the data of this one would be deleted" in said
    assert "marked for protection" not in said
    steps, said = planned({**DISK, "size": "40Gi"})
    assert (steps.get("VmDisk::vm-web/root"), steps.get("DataVolume::vm-web/root")) == ("update", None), said
