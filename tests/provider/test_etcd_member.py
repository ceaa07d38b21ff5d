"""The gate between control planes, against a real gRPC server with mTLS that speaks Talos' message."""

import asyncio
import json

import grpc
import pytest

from clients import talos as talosapi
from provider import framework, health
from provider.resources import RESOURCES
from tests.provider.certificates import Pki
from tests.provider.talos_server import TalosServer, stream, unary

pytestmark = pytest.mark.usefixtures("quick")

GATE = RESOURCES["bedplate-native:talos:EtcdMember"]


class Machine(TalosServer):
    """A Talos API that tells the members of etcd, differently at each question."""

    def __init__(self, *told, **more):
        self.told, self.asked = list(told), 0
        super().__init__(
            Pki(),
            {
                "machine.MachineService": {
                    "EtcdMemberList": unary(self.answer, "EtcdMemberListRequest", "EtcdMemberListResponse")
                },
                **more,
            },
        )

    def answer(self, request, context):
        self.asked += 1
        said = self.told.pop(0) if len(self.told) > 1 else self.told[0]
        if said is None:
            context.abort(grpc.StatusCode.UNAVAILABLE, "etcd is not running")
        response = talosapi.MESSAGES["EtcdMemberListResponse"]()
        members = response.messages.add().members
        for name, votes in said.items():
            members.add(id=1, hostname=name, is_learner=not votes)
        return response


@pytest.fixture
def machine():
    made = []

    def start(*told):
        made.append(Machine(*told))
        return made[-1]

    yield start
    for one in made:
        one.server.stop(0)


def create(at, client, seconds=60.0):
    inputs = {
        "machine": "cp-2",
        "node": at.address,
        "address": at.address,
        "clientConfiguration": client,
        "timeoutSeconds": seconds,
    }
    return asyncio.run(GATE.create(inputs, lambda text: None))


def test_it_waits_until_the_machine_has_a_vote(machine):
    """A learner is no member yet: another one that joined now would be refused."""
    at = machine({"cp-1": True}, None, {"cp-1": True, "cp-2": False}, {"cp-1": True, "cp-2": True})
    assert create(at, at.client())[0] == "cp-2"
    assert at.asked == 4


@pytest.mark.parametrize(
    ("told", "heard"),
    [
        ({"cp-1": True}, "members are cp-1"),
        ({"cp-1": True, "cp-2": False}, r"members are cp-1, cp-2 \(learning\)"),
        (None, "UNAVAILABLE: etcd is not running"),
    ],
)
def test_a_machine_that_does_not_join_in_time_is_named_with_who_did(machine, told, heard):
    at = machine(told)
    with pytest.raises(
        framework.UserError,
        match=(
            rf"^cp-2 was not a voting member of etcd within 1 s \(last: {heard}\); the resources that depend on it are"
            r" not created; look at it with: talosctl"
        ),
    ):
        create(at, at.client(), 1.0)


def test_another_clusters_machine_is_not_believed(machine):
    at = machine({"cp-1": True, "cp-2": True})
    with pytest.raises(framework.UserError, match="was not a voting member"):
        create(at, at.client(pki=Pki()), 1.0)
    assert at.asked == 0


@pytest.mark.parametrize(
    "client", [None, {}, "text", {"caCertificate": "!", "clientCertificate": "!", "clientKey": "!"}]
)
def test_what_is_no_client_is_refused_and_not_shown(client):
    inputs = {
        "machine": "cp-2",
        "node": "10.0.0.1",
        "address": "10.0.0.2",
        "clientConfiguration": client,
        "timeoutSeconds": 60,
    }
    (error,) = GATE.check({**inputs, "config": "digest"})
    what = "is missing" if client is None else "is not a client of the Talos API"
    assert (error.property, error.reason) == (
        "clientConfiguration",
        f"{what}; the Talos API is queried with it; take clientConfiguration of talos:machine:Secrets",
    )


def test_a_plan_checks_what_it_knows():
    unknown = dict.fromkeys(("machine", "node", "address", "clientConfiguration", "config"), framework.UNKNOWN)
    assert GATE.check({**unknown, "timeoutSeconds": 60}) == []


class Running(Machine):
    """A machine that also tells its services and static pods, differently at each question."""

    def __init__(self, *unwell):
        self.unwell, self.looks = list(unwell), 0
        lists = {"List": stream(self.list, "ListRequest", "ListResponse")}
        super().__init__({"cp-2": True}, **{"cosi.resource.State": lists})

    def list(self, request, context):
        if request.type.startswith("Services"):
            self.looks += 1
            bad = self.unwell.pop(0) if len(self.unwell) > 1 else self.unwell[0]
            self.bad = bad
            told = {
                "kubelet": {"running": True, "healthy": bad != "kubelet"},
                "udevd": {"running": True, "unknown": True},
            }
        else:
            told = {
                "kube-system/kube-apiserver-cp-2": {
                    "conditions": [{"type": "Ready", "status": str(self.bad != "apiserver")}]
                }
            }
        for name, spec in told.items():
            answer = talosapi.MESSAGES["ListResponse"]()
            answer.resource.metadata.id, answer.resource.spec.yaml_spec = name, json.dumps(spec)
            yield answer


def changed(at, seconds=20.0, config="new"):
    inputs = {
        "machine": "cp-2",
        "node": at.address,
        "address": at.address,
        "clientConfiguration": at.client(),
        "timeoutSeconds": seconds,
        "config": config,
    }
    return asyncio.run(GATE.update("cp-2", {**inputs, "config": "old"}, inputs, lambda text: None))


@pytest.fixture
def running(monkeypatch):
    made = []
    monkeypatch.setattr(health, "STEADY_SECONDS", 0.05)

    def start(*unwell):
        made.append(Running(*unwell))
        return made[-1]

    yield start
    for one in made:
        one.server.stop(0)


def test_with_another_config_it_must_be_well_for_a_while(running):
    """The first look may still see what was before."""
    at = running("", "kubelet", "apiserver", "", "")
    changed(at)
    assert at.looks >= 5


@pytest.mark.parametrize(
    ("bad", "heard"),
    [("kubelet", "not healthy: service kubelet"), ("apiserver", "not healthy: pod kube-system/kube-apiserver-cp-2")],
)
def test_one_that_is_not_well_is_named_with_what_is_not(running, bad, heard):
    at = running(bad)
    with pytest.raises(framework.UserError) as failed:
        changed(at, seconds=0.2)
    assert f"cp-2 was not healthy with its new config within 0 s (last: {heard})" in str(failed.value)
    assert str(failed.value).endswith("and run up again; the configs of the other control planes were not changed")


def test_with_the_same_config_nobody_is_asked(running):
    at = running("kubelet")
    changed(at, config="old")
    assert at.looks == 0


@pytest.mark.parametrize("adopted", [True, False])
def test_a_member_from_before_its_config_must_be_well_with_it(running, adopted):
    """Its vote does not show that it is about to reboot, and the next control plane would reboot at the same time."""
    at = running("kubelet", "", "", "")
    inputs = {
        "machine": "cp-2",
        "node": at.address,
        "address": at.address,
        "clientConfiguration": at.client(),
        "timeoutSeconds": 20,
        "adopted": adopted,
    }
    asyncio.run(GATE.create(inputs, lambda text: None))
    assert (at.looks >= 3) is adopted


def test_that_it_was_adopted_is_no_change_of_it():
    assert GATE.contract.ignored_in_diff == {"adopted"}
