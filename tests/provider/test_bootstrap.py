"""etcd made once, against real gRPC servers with mTLS that speak Talos' messages and keep its rules."""

import asyncio
import re

import grpc
import pytest

from clients import talos
from provider import framework
from provider.resources import RESOURCES
from provider.resources import bootstrap as module
from tests.provider.certificates import Pki
from tests.provider.talos_server import TalosServer, unary

pytestmark = pytest.mark.usefixtures("quick")

GATE = RESOURCES["bedplate-native:talos:Bootstrap"]


class Machine(TalosServer):
    """A control plane: told to bootstrap, its etcd starts after some looks; one with data refuses.

    before: states of the service before it waits to be told. members: by its own etcd, once that runs.
    """

    def __init__(
        self,
        name="cp-1",
        *,
        pki=None,
        before=(),
        state="Preparing",
        members=None,
        starts_in=2,
        data=False,
        refuses=0,
        deaf=0,
        leads=True,
    ):
        self.name, self.before, self.state = name, list(before), state
        self.members_then, self.starts_in, self.data = members or {name: True}, starts_in, data
        self.leads, self.refuses, self.deaf, self.starting, self.requests, self.asked = leads, refuses, deaf, 0, 0, 0
        super().__init__(
            pki or Pki(),
            {
                "machine.MachineService": {
                    "ServiceList": unary(self.services, "Empty", "ServiceListResponse"),
                    "Bootstrap": unary(self.bootstrap, "BootstrapRequest", "BootstrapResponse"),
                    "EtcdMemberList": unary(self.list_members, "EtcdMemberListRequest", "EtcdMemberListResponse"),
                }
            },
        )

    def services(self, request, context):
        self.asked += 1
        state = self.before.pop(0) if self.before else self.state
        if state is None:
            context.abort(grpc.StatusCode.UNAVAILABLE, "it boots")
        if self.starting:
            self.starting -= 1
            self.state = self.state if self.starting else "Running"
        answer = talos.MESSAGES["ServiceListResponse"]()
        services = answer.messages.add().services
        services.add(id="cri", state="Running")
        if state:
            services.add(id="etcd", state=state)
        return answer

    def bootstrap(self, request, context):
        self.requests += 1
        if self.refuses:
            self.refuses -= 1
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "bootstrap is not available yet")
        if self.data:
            self.starting = self.starting or self.starts_in
            context.abort(grpc.StatusCode.ALREADY_EXISTS, "etcd data directory is not empty")
        self.data, self.starting = True, self.starts_in
        if self.deaf:
            self.deaf -= 1
            context.abort(grpc.StatusCode.UNAVAILABLE, "the answer was lost")
        return talos.MESSAGES["BootstrapResponse"]()

    def list_members(self, request, context):
        if self.state != "Running" or not request.query_local:
            context.abort(grpc.StatusCode.UNAVAILABLE, "another one would be asked")
        if not self.leads:
            context.abort(grpc.StatusCode.UNAVAILABLE, "etcdserver: no leader")
        answer = talos.MESSAGES["EtcdMemberListResponse"]()
        members = answer.messages.add().members
        for name, votes in self.members_then.items():
            members.add(id=1, hostname=name, is_learner=not votes)
        return answer


@pytest.fixture
def machine(monkeypatch):
    made = []
    monkeypatch.setattr(module, "STEADY_SECONDS", 0.02)
    monkeypatch.setattr(module, "JOIN_SECONDS", 0.3)

    def start(*args, **how):
        made.append(Machine(*args, **how))
        return made[-1]

    yield start
    for one in made:
        one.server.stop(0)


def create(at, others=None, seconds=60.0):
    said = []
    inputs = {
        "machine": "cp-1",
        "node": at.address,
        "others": others or {},
        "clientConfiguration": at.client(),
        "timeoutSeconds": seconds,
    }
    identity, outputs = asyncio.run(GATE.create(inputs, said.append))
    assert (identity, outputs) == ("cp-1", {**inputs, "adopted": not any("bootstrapped here" in line for line in said)})
    return [line for line in said if not line.startswith("waiting, ")]


def test_a_machine_that_waits_is_told_once_and_etcd_runs(machine):
    at = machine(before=[None, None, "", "Waiting", "Preparing"])
    assert create(at) == ["etcd is bootstrapped here, once"]
    assert (at.requests, at.state) == (1, "Running")


def test_it_is_not_asked_before_it_waits_for_that(machine):
    """Asked before its boot has come so far, Talos says Unimplemented or that it is not available yet."""
    at = machine(before=["Waiting"], state="Waiting")
    with pytest.raises(framework.UserError) as failed:
        create(at, seconds=0.3)
    assert (
        str(failed.value)
        == "cp-1: etcd did not run within 0 s (last: etcd: Waiting); the resources that depend on it are not created;"
        f" look at it with: talosctl -n {at.address} service etcd, and run up again: an etcd that runs by then is"
        " taken over"
    )
    assert at.requests == 0


def test_a_run_that_was_killed_after_the_request_goes_on(machine):
    """Talos had taken it, and no state was written: the provider of others is refused here for ten minutes."""
    at = machine()
    create(at)
    assert create(at) == ["etcd is running already, with cp-1: it is taken over as it is, and nothing is bootstrapped"]
    assert at.requests == 1


def test_a_run_that_was_killed_while_etcd_starts_goes_on(machine):
    at = machine(data=True)
    create(at)
    assert (at.requests, at.state) == (1, "Running")


def test_it_is_told_once_however_long_etcd_takes_to_start(machine):
    """An image from a slow mirror: Talos would begin again with each request."""
    at = machine(starts_in=40)
    create(at)
    assert (at.requests, at.state) == (1, "Running")


def test_an_answer_that_was_lost_makes_no_second_etcd(machine):
    at = machine(deaf=1, starts_in=3)
    create(at)
    assert at.data and at.state == "Running" and at.requests <= 2


def test_one_that_is_not_ready_yet_is_told_again(machine):
    at = machine(refuses=2)
    create(at)
    assert at.requests == 3


def test_a_cluster_that_runs_is_taken_over(machine):
    at = machine(state="Running", members={"cp-1": True, "cp-2": True, "cp-3": False})
    other = machine("cp-2", pki=at.pki, state="Running")
    assert create(at, {"cp-2": other.address}) == [
        "etcd is running already, with cp-1, cp-2, cp-3 (learning): it is taken over as it is, and nothing is"
        " bootstrapped"
    ]
    assert at.requests == other.requests == 0


@pytest.mark.parametrize("leads", [True, False])
def test_no_second_cluster_is_made_beside_another_control_planes_etcd(machine, leads):
    """One that has lost its quorum is one too: it may hold the only data."""
    at = machine()
    other, fresh = machine("cp-2", pki=at.pki, state="Running", leads=leads), machine("cp-3", pki=at.pki)
    with pytest.raises(framework.UserError) as failed:
        create(at, {"cp-2": other.address, "cp-3": fresh.address})
    assert (
        re.sub(r"within \d+ s", "within 0 s", str(failed.value))
        == "cp-1 has no etcd, cp-2 has one, and cp-1 has not joined it within 0 s; bootstrapping cp-1 would create a"
        " second cluster beside the first; if that etcd is healthy, write talos.bootstrap: cp-2; if it has lost its"
        " quorum, restore a snapshot (docs/runbooks/restore.md); then run up again"
    )
    assert at.requests == other.requests == fresh.requests == 0


def test_one_that_joins_the_others_by_itself_is_waited_for(machine, monkeypatch):
    monkeypatch.setattr(module, "JOIN_SECONDS", 7.0)
    at = machine(before=["Preparing"] * 6, state="Running", members={"cp-1": True, "cp-2": True})
    other = machine("cp-2", pki=at.pki, state="Running")
    assert create(at, {"cp-2": other.address})[-1].startswith("etcd is running already, with cp-1, cp-2: ")
    assert at.requests == 0


def test_others_that_have_no_config_yet_or_are_down_keep_nobody(machine):
    at = machine()
    stranger, down = machine("cp-2", state="Running"), machine("cp-3", pki=at.pki)
    down.server.stop(0).wait()
    assert create(at, {"cp-2": stranger.address, "cp-3": down.address}) == ["etcd is bootstrapped here, once"]
    assert stranger.asked == 0


def test_a_member_without_a_vote_is_not_there_yet(machine):
    at = machine(state="Running", members={"cp-1": False, "cp-2": True})
    with pytest.raises(
        framework.UserError,
        match=r"cp-1: etcd did not run within 0 s \(last: etcd runs, and its members are cp-1 \(learning\), cp-2\)",
    ):
        create(at, seconds=0.3)


def test_nothing_of_it_is_ever_a_change():
    """It happened: other control planes, credentials and addresses change nothing of that."""
    inputs = {"machine": "cp-1", "node": "10.0.0.1", "others": {}, "clientConfiguration": {}, "timeoutSeconds": 60}
    assert GATE.contract.ignored_in_diff == inputs.keys() and GATE.contract.replaces == frozenset()


def test_what_is_no_mapping_of_addresses_is_refused():
    unknown = dict.fromkeys(("machine", "node", "clientConfiguration"), framework.UNKNOWN)
    assert [(w.property, w.reason) for w in GATE.check({**unknown, "others": ["10.0.0.2"], "timeoutSeconds": 60})] == [
        (
            "others",
            (
                "is not a mapping from names to texts; another control plane may already run an etcd; write name:"
                " address for each other control plane, or {}"
            ),
        )
    ]
    assert GATE.check({**unknown, "others": {"cp-2": "10.0.0.2"}, "timeoutSeconds": 60}) == []
