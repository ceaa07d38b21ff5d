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
def planned(recorded):
    """A recorded state with the disk of a VM, and what the engine says of it after an edit of the stack file."""
    here, stack = recorded("rehearsed-dev")
    here.edit(stack, STACK)
    plan = json.loads(here.pulumi("preview", "--stack", stack, "--json", network=False).stdout)
    made = [_made(step["newState"]) for step in plan["steps"] if step["urn"].endswith(KINDS[:2])]
    assert len(made) == 2
    exported = json.loads(here.pulumi("stack", "export", "--stack", stack).stdout)
    exported["deployment"]["resources"] += made
    command = ["pulumi", "stack", "import", "--stack", stack]
    done = subprocess.run(
        command, input=json.dumps(exported), text=True, capture_output=True, cwd=here.folder, env=here.environment
    )
    assert done.returncode == 0, done.stderr

    def after(edits):
        here.edit(stack, edits)
        found = here.pulumi("preview", "--stack", stack, "--json", check=False, network=False)
        shown = json.loads(found.stdout)
        steps = {name: step["op"] for step in shown.get("steps", []) for name in KINDS if step["urn"].endswith(name)}
        return steps, " ".join(each["message"] for each in shown.get("diagnostics", []) if each["severity"] == "error")

    return after


def _made(state):
    """A resource of a plan as it is in the state once it was made."""
    kept = {key: value for key, value in state.items() if key not in ("dependencies", "propertyDependencies")}
    inputs = state["inputs"]
    # What the Kubernetes provider compares with.
    own = {"__inputs": inputs, "__fieldManager": "bedplate"} if "apiVersion" in inputs else {}
    if own:
        own["__initialApiVersion"] = inputs["apiVersion"]
    return {**kept, "outputs": {**inputs, **own}, "id": "vms/web"}


def test_a_disk_that_exists_is_kept(planned):
    steps, said = planned({"vms.web.disk": {**DISK, "size": "10Gi", "from": OTHER}})
    assert "is now 10Gi, and disk root of VM web has 20Gi; what is at its end would be cut off" in said
    assert "another one would be a new disk, and the data of this one would be deleted" in said
    assert "marked for protection" not in said and KINDS[0] not in steps
    steps, said = planned({"vms.web.disk": {**DISK, "size": "40Gi"}})
    assert (steps.get(KINDS[1]), steps.get(KINDS[0]), said) == ("update", None, "")
    _, said = planned({"vms": None})
    assert KINDS[0] in said and "protect" in said


def test_another_login_of_the_source_deletes_no_disk(planned):
    """The engine would make the disk again, with data that may go: its login is for filling alone."""
    login = {"http": {**HTTP["http"], "secret": "login"}}
    _, said = planned({"vms.web.disk": {**DISK, "from": login, "keep": False}})
    assert "is now Secret login and public authorities, and disk root of VM web was filled with no login" in said
    steps, said = planned({"vms.web.disk": {**DISK, "from": login}})
    assert steps.get(KINDS[0]) in (None, "same") and said == ""


def test_data_that_may_go_and_another_source_are_two_updates(planned):
    """In one, CDI would refuse the DataVolume's other source in the midst of the update."""
    loose = {**DISK, "keep": False}
    _, said = planned({"vms.web.disk": {**loose, "from": OTHER}, "vms.web.running": False})
    assert "is kept so far, so CDI refuses to make it again; write what it was with keep: false, run up" in said
    steps, said = planned({"vms.web.disk": loose})
    assert steps.get(KINDS[0]) in (None, "same") and said == ""
