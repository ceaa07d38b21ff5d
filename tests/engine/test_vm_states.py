"""`./bedplate vm`: snapshots and restores before a real API server with KubeVirt's definitions. No controller runs."""

import threading
import time

import pytest
import yaml
from conftest import changed, stack_platform
from diskvms import with_disk

from clients import kubernetes
from clients.kubernetes import Access
from core.manifests.virtual_machine import virtual_machine
from core.model import parse
from lab import prepare
from lab.testing.kubeapi import KubernetesAPI
from operations.vm import copies, states
from operations.vm.cluster import Refused, Vm
from tests.machineconfig.judge import Judge
from tests.provider.certificates import Pki, admin, pem

pytestmark = pytest.mark.engine

NAMED = ("virtualmachines", "virtualmachineinstances", "virtualmachinesnapshots", "virtualmachinesnapshotcontents")
SNAPSHOTS = "/apis/snapshot.kubevirt.io/v1beta1/namespaces/vms"
MACHINES = "/apis/kubevirt.io/v1/namespaces/vms/virtualmachines"
INSTANCES = "/apis/kubevirt.io/v1/namespaces/vms/virtualmachineinstances"
CONTENT = "content-1"


@pytest.fixture(scope="module")
def access(tmp_path_factory):
    folder, pki, judge = tmp_path_factory.mktemp("vm"), Pki(), Judge("vm-judge")
    (answer,) = judge.all([{"ask": "definitions"}])
    judge.end()
    (folder / "client-ca.crt").write_text(pem(pki.ca))
    trust = [f"--client-ca-file={folder / 'client-ca.crt'}"]
    with KubernetesAPI(folder / "api", prepare.binaries("kubernetes-api"), extra_arguments=trust) as api:
        made = Access.parse(admin(api, pki))
        with made.tls() as tls:
            kubernetes.post(made, tls, "/api/v1/namespaces", {"metadata": {"name": "vms"}})
            for text in answer["definitions"]:
                definition = yaml.safe_load(text)
                if definition["metadata"]["name"].partition(".")[0] in (*NAMED, "virtualmachinerestores"):
                    _defined(made, tls, definition)
            _served(made, tls)
        yield made


def _defined(access, tls, definition):
    for _ in range(300):
        try:
            kubernetes.post(access, tls, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)
            return
        except OSError as error:
            # The API has just started, and is busy.
            assert getattr(error, "code", 0) in (0, 429, 500, 503), kubernetes.why(error)
            time.sleep(0.2)
    raise AssertionError("the definitions are refused")


def _served(access, tls):
    for _ in range(300):
        try:
            kubernetes.items(access, tls, f"{SNAPSHOTS}/virtualmachinerestores")
            kubernetes.items(access, tls, MACHINES)
            kubernetes.items(access, tls, INSTANCES)
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the definitions are not served")


class Controller:
    """Writes the status of each new object of a kind, as KubeVirt's controllers do."""

    def __init__(self, access, kind, status, before=lambda tls: None):
        self._access, self._kind, self._status, self._before = access, kind, status, before
        self._end = threading.Event()
        self.seen = []

    def __enter__(self):
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()

    def _run(self):
        with self._access.tls() as tls:
            while not self._end.is_set():
                for each in kubernetes.items(self._access, tls, f"{SNAPSHOTS}/{self._kind}"):
                    if not each.get("status"):
                        self.seen.append(each)
                        self._before(tls)
                        path = f"{SNAPSHOTS}/{self._kind}/{each['metadata']['name']}"
                        status = {"status": self._status}
                        for where in (path, f"{path}/status"):
                            try:
                                kubernetes.patch(self._access, tls, where, status)
                            except OSError as error:
                                assert getattr(error, "code", 0) == 404, kubernetes.why(error)
                time.sleep(0.1)


READY = {
    "readyToUse": True,
    "phase": "Succeeded",
    "virtualMachineSnapshotContentName": CONTENT,
    "indications": ["Online", "NoGuestAgent"],
    "snapshotVolumes": {"includedVolumes": ["root", "data"], "excludedVolumes": []},
}


@pytest.fixture(scope="module")
def platform():
    raw = with_disk(stack_platform("prod"), disks={"data": {"size": "100Gi"}})
    return parse(changed(raw, {"vms.db.running": False}))


@pytest.fixture
def vm(access, platform):
    """The VM, stopped, without snapshots."""
    with access.tls() as tls:
        kubernetes.delete(access, tls, f"{MACHINES}/db")
        kubernetes.delete(access, tls, f"{INSTANCES}/db")
        for kind in ("virtualmachinesnapshots", "virtualmachinerestores", "virtualmachinesnapshotcontents"):
            for each in kubernetes.items(access, tls, f"{SNAPSHOTS}/{kind}"):
                kubernetes.delete(access, tls, f"{SNAPSHOTS}/{kind}/{each['metadata']['name']}")
        kubernetes.post(access, tls, MACHINES, virtual_machine(platform, "db"))
    return Vm(access, "vms", "db")


def taken(access, platform, vm, status=READY, name="s1"):
    said = []
    with Controller(access, "virtualmachinesnapshots", status):
        states.snapshot(platform, vm, name, said.append)
    return said


def test_a_snapshot_is_waited_for_and_says_what_it_is_worth(access, platform, vm):
    assert taken(access, platform, vm) == [
        "snapshot s1 of VM db: its disks are saved",
        "the guest has no agent that writes out its files first: what is restored is as after a loss of power",
        "snapshot s1 can be used",
    ]
    assert [each["metadata"]["name"] for each in vm.snapshots()] == ["s1"]
    with pytest.raises(Refused, match="there is a snapshot s1 already; name another one"):
        states.snapshot(platform, vm, "s1", print)


def test_a_snapshot_that_lacks_a_disk_or_fails_is_refused(access, platform, vm):
    lacks = {**READY, "snapshotVolumes": {"includedVolumes": ["root"], "excludedVolumes": ["data"]}}
    with pytest.raises(Refused, match="snapshot s1 lacks data, so it would restore half a machine"):
        taken(access, platform, vm, lacks)
    failed = {"phase": "Failed", "readyToUse": False, "error": {"message": "snapshot deadline exceeded"}}
    with pytest.raises(Refused, match="snapshot s2 of VM db failed: snapshot deadline exceeded; look at it with: "):
        taken(access, platform, vm, failed, "s2")


def test_a_vm_on_a_class_without_snapshots_is_refused_before_anything_is_made(access, vm):
    raw = with_disk(stack_platform("prod"), disks={"data": {"size": "1Gi", "class": "longhorn"}})
    with pytest.raises(Refused, match="because the class longhorn of its disk data has none"):
        states.snapshot(parse(raw), vm, None, print)
    assert vm.snapshots() == []


def test_a_restore_keeps_names_of_claims_and_the_declared_settings(access, platform, vm):
    taken(access, platform, vm)
    said = []
    states.restore(vm, "s1", False, said.append)
    assert said[-1] == "nothing was changed; do it: ./bedplate vm STACK restore db s1 --yes"
    old = {
        "template": {"spec": {"domain": {"memory": {"guest": "2Gi"}, "ioThreads": {"supplementalPoolThreadCount": 2}}}}
    }

    def as_it_was(tls):
        kubernetes.patch(access, tls, f"{MACHINES}/db", {"spec": old})

    with Controller(access, "virtualmachinerestores", {"complete": True}, as_it_was) as controller:
        states.restore(vm, "s1", True, said.append)
    (made,) = controller.seen
    assert made["spec"]["volumeRestorePolicy"] == "InPlace" and made["spec"]["volumeOwnershipPolicy"] == "None"
    assert made["spec"]["targetReadinessPolicy"] == "FailImmediate"
    assert vm.machine()["spec"] == virtual_machine(platform, "db")["spec"]
    assert said[-2:] == [
        "its settings stay as the stack file has them, and not as they were then",
        "VM db is as in s1; start it: remove running: false, and run ./bedplate up STACK",
    ]


def test_a_vm_that_runs_is_not_set_back(access, platform, vm):
    taken(access, platform, vm)
    instance = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstance", "metadata": {"name": "db"}}
    with access.tls() as tls:
        kubernetes.post(access, tls, INSTANCES, {**instance, "spec": {"domain": {"devices": {}}}})
    with pytest.raises(Refused, match="VM db runs, and its disks are in use; write running: false for it and run "):
        states.restore(vm, "s1", True, print)
    with pytest.raises(Refused, match="VM db has no snapshot s9; there are: s1"):
        states.restore(vm, "s9", True, print)


def test_a_failed_restore_says_why(access, platform, vm):
    taken(access, platform, vm)
    why = [{"type": "Failure", "status": "True", "message": "restore source and restore target are different"}]
    with (
        Controller(access, "virtualmachinerestores", {"complete": False, "conditions": why}),
        pytest.raises(Refused, match="of VM db failed: restore source and restore target are different; look at it"),
    ):
        states.restore(vm, "s1", True, lambda text: None)


def test_a_copy_is_an_entry_of_the_stack_file(access, platform, vm):
    taken(access, platform, vm)
    source = {"virtualMachine": {"metadata": {}, "spec": {"template": {"spec": {"domain": {"devices": {}}}}}}}
    claim = {"metadata": {}, "spec": {}}
    volumes = [
        {"volumeName": disk, "volumeSnapshotName": f"vmsnapshot-1-{disk}", "persistentVolumeClaim": claim}
        for disk in ("root", "data")
    ]
    content = {"apiVersion": "snapshot.kubevirt.io/v1beta1", "kind": "VirtualMachineSnapshotContent"}
    spec = {"virtualMachineSnapshotName": "s1", "source": source, "volumeBackups": volumes}
    with access.tls() as tls:
        path = f"{SNAPSHOTS}/virtualmachinesnapshotcontents"
        kubernetes.post(access, tls, path, {**content, "metadata": {"name": CONTENT}, "spec": spec})
    text = copies.entry(platform, vm, "db-2", "s1")
    raw = changed(with_disk(stack_platform("prod")), {"vms": yaml.safe_load(text)})
    copy = parse(raw).vms["db-2"]
    assert copy.disk.source.snapshot.name == "vmsnapshot-1-root" and copy.disk.size == "20Gi"
    assert copy.disks["data"].source.snapshot.name == "vmsnapshot-1-data" and copy.cpu.sockets == 2
