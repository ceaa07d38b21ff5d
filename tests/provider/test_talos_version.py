"""Upgrades, against a real gRPC server with mTLS that speaks Talos' messages and boots what it is told."""

import asyncio
import json

import grpc
import pytest

from clients import talos
from provider import framework, health, quorum, turns
from provider.resources import RESOURCES, talos_version
from tests.provider.certificates import Pki
from tests.provider.talos_server import TalosServer, stream, unary

pytestmark = pytest.mark.usefixtures("quick")

GATE = RESOURCES["bedplate-native:talos:Release"]
ID, OTHER = "3" * 64, "4" * 64
OLD, NEW = f"factory.talos.dev/metal-installer/{ID}:v1.13.2", f"factory.talos.dev/metal-installer/{ID}:v1.14.2"


class Machine(TalosServer):
    """It runs a version; when upgraded, it is away for some questions and comes back with the new version, or not."""

    def __init__(
        self,
        version="v1.13.2",
        schematic=ID,
        *,
        comes_back=True,
        stages=("running",),
        contained=False,
        members=None,
        etcd=True,
        busy=False,
    ):
        self.flags = [["fpu", "vmx"], ["fpu", "vmx"]]
        self.version, self.schematic, self.booted = version, schematic, 1000
        self.comes_back, self.stages, self.contained, self.etcd, self.busy = (
            comes_back,
            list(stages),
            contained,
            etcd,
            busy,
        )
        self.members, self.upgrades, self.away = members or {"cp-1": "127.0.0.1"}, [], 0
        super().__init__(
            Pki(),
            {
                "cosi.resource.State": {"List": stream(self.list, "ListRequest", "ListResponse")},
                "machine.MachineService": {
                    "Version": unary(self.tell, "Empty", "VersionResponse"),
                    "CPUInfo": unary(self.processors, "Empty", "CPUInfoResponse"),
                    "SystemStat": unary(self.stat, "Empty", "SystemStatResponse"),
                    "Upgrade": unary(self.upgrade, "UpgradeRequest", "UpgradeResponse"),
                    "EtcdMemberList": unary(self.list_members, "EtcdMemberListRequest", "EtcdMemberListResponse"),
                },
            },
        )

    def tell(self, request, context):
        if self.away:
            self.away -= 1
            context.abort(grpc.StatusCode.UNAVAILABLE, "it boots")
        answer = talos.MESSAGES["VersionResponse"]()
        answer.messages.add().version.tag = self.version
        return answer

    def stat(self, request, context):
        answer = talos.MESSAGES["SystemStatResponse"]()
        answer.messages.add().boot_time = self.booted
        return answer

    def processors(self, request, context):
        answer = talos.MESSAGES["CPUInfoResponse"]()
        for flags in self.flags:
            answer.messages.add().cpu_info.add(flags=flags)
        return answer

    def upgrade(self, request, context):
        self.upgrades.append(request.image)
        self.away, self.booted = 2, self.booted + 100
        if self.comes_back:
            self.schematic, _, self.version = request.image.rpartition("/")[2].partition(":")
        if self.busy:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "upgrade already in progress")
        answer = talos.MESSAGES["UpgradeResponse"]()
        answer.messages.add().ack = "Upgrade request received"
        return answer

    def list_members(self, request, context):
        answer = talos.MESSAGES["EtcdMemberListResponse"]()
        members = answer.messages.add().members
        for name, host in self.members.items():
            members.add(id=1, hostname=name, peer_urls=[f"https://{host}:2380"])
        return answer

    def list(self, request, context):
        kind = request.type.partition(".")[0]
        stage = self.stages.pop(0) if kind == "MachineStatuses" and len(self.stages) > 1 else self.stages[0]
        told = {
            "ExtensionStatuses": {"0": {"metadata": {"name": "schematic", "version": self.schematic}}},
            "MachineStatuses": {"machine": {"stage": stage}},
            "PlatformMetadatas": {"platformmetadata": {"platform": "container" if self.contained else "metal"}},
            "Services": {"etcd": {"running": self.etcd, "healthy": self.etcd}},
        }.get(kind, {})
        for name, spec in told.items():
            answer = talos.MESSAGES["ListResponse"]()
            answer.resource.metadata.id, answer.resource.spec.yaml_spec = name, json.dumps(spec)
            yield answer


@pytest.fixture
def machine(monkeypatch):
    made = []
    monkeypatch.setattr(health, "STEADY_SECONDS", 0.05)
    monkeypatch.setattr(talos_version, "TURNS", turns.Turns())

    def start(*args, **how):
        made.append(Machine(*args, **how))
        return made[-1]

    yield start
    for one in made:
        one.server.stop(0)


def inputs(at, image=NEW, seconds=8.0, controlplane=False):
    return {
        "machine": "cp-1",
        "node": at.address,
        "clientConfiguration": at.client(),
        "image": image,
        "controlplane": controlplane,
        "timeoutSeconds": seconds,
    }


def update(at, said=None, **more):
    wanted = inputs(at, **more)
    return asyncio.run(GATE.update("cp-1", {**wanted, "image": OLD}, wanted, (said if said is not None else []).append))


def test_a_new_machine_is_waited_for_and_left_as_it_is(machine):
    at = machine("v1.14.2", stages=("installing", "booting", "running"))
    _, outputs = asyncio.run(GATE.create(inputs(at), lambda text: None))
    assert (outputs["version"], outputs["schematic"], at.upgrades) == ("v1.14.2", ID, [])


def test_another_image_is_installed_and_read_back(machine):
    at, said = machine(), []
    outputs = update(at, said)
    assert at.upgrades == [NEW] and outputs["version"] == "v1.14.2"
    assert said[0] == f"v1.13.2 -> v1.14.2: it is drained, installs {NEW} and boots it"


def test_another_schematic_of_the_same_release_is_another_image(machine):
    at = machine("v1.14.2", schematic=OTHER)
    assert update(at)["schematic"] == ID and at.upgrades == [NEW]


def test_after_a_kill_what_is_there_is_not_done_again(machine):
    at = machine("v1.14.2")
    update(at)
    assert at.upgrades == []


def test_an_upgrade_that_an_earlier_run_began_is_waited_for(machine):
    at, said = machine(busy=True), []
    assert update(at, said)["version"] == "v1.14.2"
    assert "upgrade already in progress" in said[1]


def test_a_machine_that_goes_back_to_the_old_one_by_itself_is_noticed(machine):
    at = machine(comes_back=False)
    with pytest.raises(framework.UserError) as failed:
        update(at)
    assert (
        str(failed.value)
        == "cp-1 was upgraded to v1.14.2 and came back with v1.13.2: v1.14.2 did not start, and Talos booted the old"
        f" version again; the machines after it were not upgraded; look at: talosctl -n {at.address} dmesg, and at"
        " the schematic"
    )


def test_one_that_never_comes_back_ends_at_its_deadline(machine):
    at = machine(stages=("running", "booting"))
    with pytest.raises(
        framework.UserError, match=r"cp-1 did not run v1.14.2 within 1 s .last: it runs v1.14.2, booting."
    ):
        update(at, seconds=1.0)


def test_a_container_takes_no_upgrade_and_says_so(machine):
    at, said = machine("v1.12.0", contained=True), []
    assert update(at, said)["version"] == "v1.12.0"
    assert at.upgrades == [] and said == ["runs v1.12.0 in a container, where Talos can't be upgraded"]


def test_no_control_plane_leaves_an_etcd_that_is_not_well(machine):
    at = machine(members={"cp-1": "127.0.0.1", "cp-2": "127.0.0.1"})
    with pytest.raises(framework.UserError) as failed:
        update(at, controlplane=True)  # Nothing answers at the port of the Talos API on this machine.
    assert (
        str(failed.value)
        == "cp-1 is not upgraded: etcd is not healthy on cp-2, and without cp-1 it could lose its quorum; repair it"
        " first (talosctl etcd status), and run up again"
    )
    assert at.upgrades == []


def test_a_control_plane_whose_peers_are_well_is_upgraded(machine, monkeypatch):
    at = machine(members={"cp-1": "10.0.0.1", "cp-2": "10.0.0.2"})
    asked = []
    real = talos.Client.unsettled
    monkeypatch.setattr(
        talos.Client,
        "unsettled",
        lambda self, address: real(self, address) if address == at.address else asked.append(address) or [],
    )
    assert update(at, controlplane=True)["version"] == "v1.14.2" and asked == ["10.0.0.2"]


def test_a_plan_says_that_it_reboots():
    before = {"machine": "wk-1", "image": OLD}
    assert (
        GATE.describe_change({**before, "image": NEW}, before)
        == "wk-1 is drained, upgraded to v1.14.2 and REBOOTED; the machines after it wait until it is healthy"
    )
    assert GATE.describe_change(before, before) is None and GATE.describe_change(before, None) is None


@pytest.mark.parametrize("image", ["metal-installer:v1.14.2", f"factory.talos.dev/metal-installer/{ID}:latest"])
def test_an_image_that_is_no_exact_release_is_refused(image):
    assert (
        "is not an installer image with an exact version"
        in GATE.check(
            {"machine": "a", "node": "b", "clientConfiguration": framework.UNKNOWN, "image": image, "timeoutSeconds": 9}
        )[0].reason
    )


@pytest.mark.parametrize("flags", [[["fpu"]], [["fpu", "vmx"], ["fpu"]], []])
def test_virtual_machines_need_processors_that_virtualize(machine, flags):
    at = machine("v1.14.2")
    at.flags = flags
    with pytest.raises(
        framework.UserError,
        match=r"^cp-1 offers neither VT-x nor AMD-V; virtual machines may be scheduled on it, and would not start",
    ):
        asyncio.run(GATE.create({**inputs(at), "virtualization": True}, lambda text: None))
    asyncio.run(GATE.create({**inputs(at), "virtualization": False}, lambda text: None))


@pytest.mark.parametrize("flag", ["vmx", "svm"])
def test_either_makers_will_do(machine, flag):
    at = machine("v1.14.2")
    at.flags = [["fpu", flag]]
    asyncio.run(GATE.create({**inputs(at), "virtualization": True}, lambda text: None))


def test_an_etcd_that_is_too_busy_to_answer_is_asked_again(monkeypatch):
    """A machine that has just started is; one that refuses has answered."""
    asked = []

    def without(client, ask, name):
        asked.append(ask)
        if len(asked) < 4:
            raise talos.Slow("no answer within 5 s")
        return quorum.Others(healthy=("cp-2", "cp-3"), unhealthy=())

    monkeypatch.setattr(quorum, "without", without)
    quorum.require_healthy_others(None, "10.0.0.1", "cp-1", "upgraded")
    assert len(asked) == 4

    def refuses(client, ask, name):
        asked.append(ask)
        raise talos.NoAnswer("UNAVAILABLE: no leader")

    asked.clear()
    monkeypatch.setattr(quorum, "without", refuses)
    with pytest.raises(
        framework.UserError,
        match=(
            r"^cp-1 is not upgraded: its etcd did not list the members \(UNAVAILABLE: no leader\), so its quorum is not"
            r" known; "
        ),
    ):
        quorum.require_healthy_others(None, "10.0.0.1", "cp-1", "upgraded")
    assert len(asked) == 1
