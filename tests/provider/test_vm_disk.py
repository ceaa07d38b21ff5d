"""The disk of a VM, against a real TLS server that shows CDI's reports and a claim."""

import asyncio
import json

import pytest

from provider import framework
from provider.resources import RESOURCES
from tests.provider.kubernetes_server import Api

pytestmark = pytest.mark.usefixtures("quick")

DISK = RESOURCES["bedplate-native:kubernetes:VmDisk"]
URL = "https://images.example.com/a.qcow2 (sha256:00)"
INPUTS = {
    "vm": "db",
    "disk": "root",
    "namespace": "vms",
    "claim": "db",
    "source": URL,
    "reached": "Secret login and public authorities",
    "volume": "ceph ReadWriteMany Block",
    "size": "20Gi",
    "bytes": str(20 * 2**30),
    "grows": True,
    "keep": True,
    "copied": "",
    "unready": "",
    "starts": True,
    "timeoutSeconds": 5.0,
}
VOLUME = "/apis/cdi.kubevirt.io/v1beta1/namespaces/vms/datavolumes/db"
CLAIM = "/api/v1/namespaces/vms/persistentvolumeclaims/db"
SOURCE = "/api/v1/namespaces/images/persistentvolumeclaims/golden"
PODS = "/api/v1/namespaces/images/pods?labelSelector=kubevirt.io%3Dvirt-launcher"
COPY = {"source": "claim golden of namespace images", "copied": "images/golden"}


class Cdi(Api):
    """An API with one DataVolume, whose status differs with each question, and its claim."""

    def __init__(self, folder, *reports, asked="20Gi", refuses=None, source=None, pods=()):
        super().__init__(folder, [200])
        self.reports, self.asked_for, self.patches = list(reports), asked, []
        api, handler = self, self.server.RequestHandlerClass

        def do_GET(self):
            if self.path == CLAIM:
                spec = {"resources": {"requests": {"storage": api.asked_for}}}
                status = {"phase": "Bound", "capacity": {"storage": api.asked_for}}
                return self._say(200, json.dumps({"spec": spec, "status": status}))
            if self.path == SOURCE:
                return self._say(200 if source else 404, json.dumps({"spec": source or {}}))
            if self.path == PODS:
                return self._say(200, json.dumps({"items": list(pods)}))
            assert self.path == VOLUME
            report = api.reports.pop(0) if len(api.reports) > 1 else api.reports[0]
            if isinstance(report, int):
                return self._say(report, "{}")
            return self._say(200, json.dumps({"status": report}))

        def do_PATCH(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if refuses:
                return self._say(403, json.dumps({"kind": "Status", "message": refuses, "reason": "Forbidden"}))
            api.patches.append(body)
            api.asked_for = body["spec"]["resources"]["requests"]["storage"]
            return self._say(200, "{}")

        handler.do_GET, handler.do_PATCH = do_GET, do_PATCH


@pytest.fixture
def cdi(tmp_path):
    made = []

    def start(*reports, **how):
        made.append(Cdi(tmp_path, *reports, **how))
        return made[-1]

    yield start
    for one in made:
        one.server.shutdown()
        one.server.server_close()


def create(api, **more):
    inputs = {**INPUTS, **more, "kubeconfig": api.kubeconfig()}
    return asyncio.run(DISK.create(inputs, lambda text: None))[0]


def running(status, reason, message, phase="ImportInProgress", restarts=0):
    condition = {"type": "Running", "status": status, "reason": reason, "message": message}
    return {"phase": phase, "conditions": [condition], "restartCount": restarts}


def test_it_waits_until_cdi_has_filled_the_disk(cdi):
    reports = [404, {}, {"phase": "WaitForFirstConsumer"}, {"phase": "ImportInProgress", "progress": "43%"}]
    assert create(cdi(*reports, {"phase": "Succeeded"})) == "vms/db"


def claim_of(size, mode="Block"):
    return {"volumeMode": mode, "resources": {"requests": {"storage": size}}}


def launcher(vm, claim, phase="Running"):
    volumes = [{"name": "cloud-init"}, {"name": "root", "persistentVolumeClaim": {"claimName": claim}}]
    labels = {"kubevirt.io": "virt-launcher", "vm.kubevirt.io/name": vm}
    return {"metadata": {"labels": labels}, "spec": {"volumes": volumes}, "status": {"phase": phase}}


def test_a_disk_whose_data_volume_is_gone_ends_early(cdi):
    with pytest.raises(framework.UserError) as failed:
        create(cdi(404), timeoutSeconds=7200.0)
    assert str(failed.value) == (
        "disk root of VM db has no DataVolume db in the namespace vms any more, because something else than this "
        "program deleted it, and its data with it; the VM does not start without it; run ./bedplate refresh STACK, and "
        "up again, which makes the disk again from its source"
    )


@pytest.mark.parametrize(
    ("api", "said"),
    [
        ({"source": claim_of("20Gi"), "pods": [launcher("erp", "golden")]}, "VM erp runs with claim golden of the "),
        ({"source": claim_of("20Gi"), "pods": [launcher("erp", "golden")]}, "virtctl stop erp -n images, or running: "),
        ({"source": claim_of("21Gi")}, f"which it is a copy of, has {21 * 2**30} bytes, and the disk {20 * 2**30}; "),
        ({"source": claim_of("23Gi", "Filesystem")}, f"has {22218 * 2**20} bytes, and the disk {20 * 2**30}; "),
        ({}, "because there is no claim golden of the namespace images, which it is a copy of; "),
    ],
)
def test_a_copy_that_would_never_begin_ends_early(cdi, api, said):
    with pytest.raises(framework.UserError, match="disk root of VM db is not filled, because ") as failed:
        create(cdi({"phase": "CloneScheduled"}, **api), **COPY, timeoutSeconds=7200.0)
    assert said in str(failed.value)


@pytest.mark.parametrize(
    ("report", "api"),
    [
        ("CloneInProgress", {"source": claim_of("20Gi"), "pods": [launcher("db", "golden")]}),
        ("CloneScheduled", {"source": claim_of("20Gi"), "pods": [launcher("erp", "golden", phase="Succeeded")]}),
        ("CloneScheduled", {"source": claim_of("20Gi"), "pods": [launcher("erp", "other")]}),
        ("CloneScheduled", {"source": claim_of("21Gi", "Filesystem")}),
        ("SnapshotForSmartCloneInProgress", {}),
    ],
)
def test_a_copy_that_begins_is_waited_for(cdi, report, api):
    waits = [{"phase": report}] * 8
    assert create(cdi(*waits, {"phase": "Succeeded"}, **api), **COPY, timeoutSeconds=60.0) == "vms/db"


@pytest.mark.parametrize("phase", ["WaitForFirstConsumer", "PendingPopulation"])
def test_a_volume_that_waits_for_a_stopped_vm_is_not_waited_for(cdi, phase):
    assert create(cdi({"phase": phase}), starts=False) == "vms/db"
    with pytest.raises(framework.UserError, match=f"was not filled from .* within 1 s .*{phase}"):
        create(cdi({"phase": phase}), timeoutSeconds=1.0)


def test_a_disk_that_waits_for_an_upload_is_ready_for_it(cdi):
    assert create(cdi({"phase": "UploadReady"}), source="upload") == "vms/db"


KEPT = (
    "if the source or its checksum is wrong, add keep: false to the disk, which has no data yet, and run up, which "
    "ends with this error again; then correct it, run up, and remove keep"
)
LOOSE = "correct the source or its checksum in the stack file, and run up again"


@pytest.mark.parametrize(("keep", "remedy"), [(True, KEPT), (False, LOOSE)])
@pytest.mark.parametrize(
    "report",
    [
        running("False", "ChecksumError", "checksum mismatch", phase="Failed"),
        running("False", "Error", "expected status code 200, got 404", restarts=3),
    ],
)
def test_a_failed_import_names_the_vm_the_disk_the_source_and_the_words_of_cdi(cdi, report, keep, remedy):
    words = report["conditions"][0]["message"]
    with pytest.raises(framework.UserError) as failed:
        create(cdi(report), keep=keep)
    assert str(failed.value) == (
        f"disk root of VM db was not filled from {URL}, because CDI reports: {words}; the VM does not start without "
        f"it; {remedy}"
    )


def test_an_import_that_fails_at_first_is_waited_for(cdi):
    failing = running("False", "Error", "connection refused", restarts=2)
    assert create(cdi(failing, failing, {"phase": "Succeeded"})) == "vms/db"


def test_a_disk_grows_to_what_the_stack_file_says(cdi):
    api = cdi({"phase": "Succeeded"})
    inputs = {**INPUTS, "size": "40Gi", "bytes": str(40 * 2**30), "kubeconfig": api.kubeconfig()}
    assert asyncio.run(DISK.update("vms/db", {**inputs, **INPUTS}, inputs, lambda text: None)) == inputs
    assert api.patches == [{"spec": {"resources": {"requests": {"storage": str(40 * 2**30)}}}}]
    assert DISK.describe_change(inputs, INPUTS) == "disk root of VM db grows from 20Gi to 40Gi, while its guest runs"
    assert DISK.describe_change(INPUTS, INPUTS) is None


def test_a_claim_that_is_large_enough_is_left_alone(cdi):
    """A class may round up."""
    api = cdi({"phase": "Succeeded"}, asked="22Gi")
    create(api)
    assert api.patches == []


def test_a_refused_growth_is_said_in_kubernetes_words(cdi):
    words = "only dynamically provisioned pvc can be resized"
    with pytest.raises(framework.UserError, match=f"did not become 20Gi, because Kubernetes refused it: {words}; "):
        create(cdi({"phase": "Succeeded"}, asked="10Gi", refuses=words))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"size": "10Gi"}, "is now 10Gi, and disk root of VM db has 20Gi; what is at its end would be cut off"),
        ({"size": "40Gi", "grows": False}, "has 20Gi; volumes of its class can't grow; add a disk to disks:"),
        ({"source": "blank"}, f"is now blank, and disk root of VM db is filled from {URL}; another one would be a new"),
        ({"volume": "local"}, "is now local, and disk root of VM db is in ceph ReadWriteMany Block; another one"),
        ({"volume": "local"}, "write what it was; to delete the data, add keep: false to the disk, run up, and then"),
        ({"reached": "no login and public authorities", "keep": False}, "was filled with Secret login and public"),
        ({"reached": "Secret b", "keep": False, "starts": False}, "is now Secret b, and disk root of VM db was filled"),
        ({"source": "blank", "keep": False}, "is kept so far, so CDI refuses to make it again; write what it was with"),
        ({"volume": "local", "keep": False, "starts": False}, "write what it was with keep: false, run up, and then"),
    ],
)
def test_a_plan_refuses_what_would_lose_data(change, said):
    (error,) = DISK.own_errors({**INPUTS, **change}, INPUTS)
    assert error.property in change and said in error.reason


def test_a_plan_refuses_to_replace_the_disk_of_a_vm_that_runs():
    loose = {**INPUTS, "keep": False}
    (error,) = DISK.own_errors({**loose, "source": "blank"}, loose)
    assert error.reason.endswith(
        "its VM runs with it, so Kubernetes does not delete it; write running: false and run up, then change the disk"
    )


@pytest.mark.parametrize("before", [None, {"disk": "data"}, {"keep": False, "source": "blank", "starts": False}])
def test_a_plan_refuses_a_copy_that_can_not_be_made(before):
    """Of a disk that was filled, only another source is: what has become of its first one is nothing to it."""
    why = "is a copy of claim golden, with which VM erp runs; CDI copies no disk that is in use; …"
    wanted = {**INPUTS, **COPY, "unready": why, "keep": before is None or before.get("keep", True)}
    known = None if before is None else {**INPUTS, **before}
    (error,) = DISK.own_errors(wanted, known)
    assert (error.property, error.reason) == ("source", f"disk root of VM db {why}")
    assert list(DISK.own_errors(wanted, {**wanted, "unready": ""})) == []


@pytest.mark.parametrize(
    ("change", "before"),
    [
        ({}, {}),
        ({"size": "40Gi"}, {}),
        ({"source": "blank", "keep": False}, {"starts": False, "keep": False}),
        ({"source": "blank", "reached": "Secret b", "keep": False}, {"starts": False, "keep": False}),
        ({"reached": "no login and public authorities"}, {}),
        ({"source": "blank", "keep": False, "size": "1Gi"}, {"starts": False, "keep": False}),
        ({"keep": False}, {}),
        ({"vm": "other", "source": "blank"}, {}),
    ],
)
def test_a_plan_accepts_what_keeps_the_data_or_says_that_they_go(change, before):
    assert list(DISK.own_errors({**INPUTS, **change}, {**INPUTS, **before})) == []
    assert list(DISK.own_errors(INPUTS, None)) == []


def test_a_state_from_before_logins_were_compared_is_no_change():
    before = {key: value for key, value in INPUTS.items() if key != "reached"}
    assert list(DISK.own_errors({**INPUTS, "keep": False}, before)) == []
