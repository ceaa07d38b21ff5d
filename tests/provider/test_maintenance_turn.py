"""Turns, against a real TLS server that keeps Nodes and pods, and real gRPC servers with mTLS that restart as told."""

import asyncio
import gzip
import io
import json
import re
import tarfile
import threading
import time
from concurrent import futures

import grpc
import pytest

from clients import talos
from clients.kubeconfig import kubeconfig
from provider import draining, framework, health, nodes, turns
from provider.resources import RESOURCES, maintenance_turn, node_healthy
from tests.provider.certificates import Pki
from tests.provider.kubernetes_server import Api
from tests.provider.talos_server import TalosServer, stream, unary

pytestmark = pytest.mark.usefixtures("quick")

TURN, SETTLED = RESOURCES["bedplate-native:talos:Turn"], RESOURCES["bedplate-native:talos:Settled"]
OLD, NEW = [json.dumps({"machine": {"env": {"A": "1"}}})], [json.dumps({"machine": {"env": {"A": "2"}}})]
LABEL = [json.dumps({"machine": {"env": {"A": "1"}, "nodeLabels": {"a": "b"}}})]
VERSION, NEXT = "v1.35.4", "v1.35.5"


class Cluster(Api):
    """It keeps Nodes and pods; an evicted pod is gone at once, unless its budget holds it."""

    def __init__(self, folder, *nodes, version=VERSION):
        super().__init__(folder, [200])
        self.nodes = {name: self._node(name, version) for name in nodes}
        self.pods = {f"web-{name}": name for name in nodes}
        self.serving = {name: version for name in nodes if name.startswith("cp")}
        self.held, self.events, self.calls = set(), [], 0
        handler, cluster = self.server.RequestHandlerClass, self

        def answer(self):
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            cluster.calls += 1
            status, said = cluster.do(self.command, self.path, body)
            return self._say(status, json.dumps(said))

        handler.do_GET = handler.do_POST = handler.do_PATCH = answer

    def _node(self, name, version):
        labels = {"node-role.kubernetes.io/control-plane": ""} if name.startswith("cp") else {}
        taints = [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}] if labels else []
        status = {"conditions": [{"type": "Ready", "status": "True"}], "nodeInfo": {"kubeletVersion": version}}
        return {
            "metadata": {"name": name, "labels": labels, "annotations": {}},
            "spec": {"taints": taints},
            "status": status,
        }

    def do(self, method, path, body):
        if path == "/api/v1/nodes":
            return 200, {"items": list(self.nodes.values())}
        if found := re.fullmatch("/api/v1/nodes/(.+)", path):
            node = self.nodes.get(found[1])
            if node is None:
                return 404, {"message": "not found"}
            if method == "PATCH":
                node["spec"] |= body.get("spec", {})
                for key, value in body.get("metadata", {}).get("annotations", {}).items():
                    node["metadata"]["annotations"].pop(key, None)
                    node["metadata"]["annotations"].update({key: value} if value else {})
                self.events.append(
                    (found[1], "uncordoned" if body.get("spec", {}).get("unschedulable") is False else "patched")
                )
            return 200, node
        if found := re.search("labelSelector=k8s-app%3D(.+)", path):
            ready = {"conditions": [{"type": "Ready", "status": "True"}]}
            return 200, {
                "items": [
                    {
                        "spec": {"nodeName": n, "containers": [{"image": f"registry.k8s.io/{found[1]}:{v}"}]},
                        "status": ready,
                    }
                    for n, v in self.serving.items()
                ]
            }
        if found := re.search("nodeName%3D(.+)", path):
            owner = [{"kind": "ReplicaSet", "name": "web", "controller": True}]
            return 200, {
                "items": [
                    {
                        "metadata": {"namespace": "d", "name": p, "uid": p, "ownerReferences": owner},
                        "status": {"phase": "Running"},
                    }
                    for p, n in self.pods.items()
                    if n == found[1]
                ]
            }
        name = path.split("/")[-2]
        if name in self.held:
            return 429, {"message": "the budget holds it"}
        self.events.append((self.pods.pop(name), "drained"))
        return 201, {}


class Machine(TalosServer):
    """It hands out a kubeconfig, and is away for some questions after it got a config that restarts it."""

    def __init__(self, cluster, name, pki):
        self.cluster, self.name = cluster, name
        self.began, self.away, self.well, self.peers = 1000, 0, True, [name]
        super().__init__(
            pki,
            {
                "cosi.resource.State": {"List": stream(self.list, "ListRequest", "ListResponse")},
                "machine.MachineService": {
                    "Version": unary(lambda r, c: talos.MESSAGES["VersionResponse"](), "Empty", "VersionResponse"),
                    "SystemStat": unary(
                        lambda r, c: talos.MESSAGES["SystemStatResponse"](), "Empty", "SystemStatResponse"
                    ),
                    "Kubeconfig": stream(self.hand_out, "Empty", "Data"),
                    "EtcdMemberList": unary(self.members, "EtcdMemberListRequest", "EtcdMemberListResponse"),
                },
            },
        )

    def hand_out(self, request, context):
        text, whole = self.cluster.kubeconfig().encode(), io.BytesIO()
        with tarfile.open(fileobj=whole, mode="w") as archive:
            of = tarfile.TarInfo("kubeconfig")
            of.size = len(text)
            archive.addfile(of, io.BytesIO(text))
        # As Talos sends it: it ends with the file's last byte (v1.12, v1alpha1_server.go, Kubeconfig).
        packed = gzip.compress(whole.getvalue()[: tarfile.BLOCKSIZE + len(text)])
        for start in range(0, len(packed), 500):
            yield talos.MESSAGES["Data"](bytes=packed[start : start + 500])

    def members(self, request, context):
        answer = talos.MESSAGES["EtcdMemberListResponse"]()
        one = answer.messages.add()
        for peer in self.peers:
            one.members.add(id=1, hostname=peer, peer_urls=["https://127.0.0.1:2380"])
        return answer

    def restart(self):
        self.cluster.events.append((self.name, "down"))
        self.began, self.away = self.began + 100, 3

    def list(self, request, context):
        kind = request.type.partition(".")[0]
        if self.away:
            self.away -= 1
            if not self.away:
                self.cluster.events.append((self.name, "up"))
            context.abort(grpc.StatusCode.UNAVAILABLE, "it boots")
        told = {
            "MachineStatuses": {"machine": {"stage": "running"}},
            "Services": {"kubelet": {"running": True, "healthy": self.well}},
        }.get(kind, {})
        for name, spec in told.items():
            answer = talos.MESSAGES["ListResponse"]()
            answer.resource.metadata.id, answer.resource.spec.yaml_spec = name, json.dumps(spec)
            answer.resource.metadata.created.seconds = self.began
            yield answer


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    fresh = turns.Turns()
    for module in (maintenance_turn, node_healthy):
        monkeypatch.setattr(module, "TURNS", fresh)
    monkeypatch.setattr(health, "STEADY_SECONDS", 0.05)
    monkeypatch.setattr(draining, "AGAIN_SECONDS", 0.02)
    monkeypatch.setattr(nodes, "ASK_SECONDS", 1.0)
    monkeypatch.setattr(maintenance_turn, "YIELD_SECONDS", 0.02)
    return fresh


@pytest.fixture
def rack(tmp_path):
    """A cluster and its machines, by name."""
    made = []

    def start(*names, **how):
        cluster, pki = Cluster(tmp_path, *names, **how), Pki()
        made.append(cluster)
        machines = {name: Machine(cluster, name, pki) for name in names}
        made.extend(machines.values())
        return cluster, machines

    yield start
    for one in made:
        if isinstance(one, Machine):
            one.server.stop(0)
        else:
            one.server.shutdown()
            one.server.server_close()


def inputs(machines, name, documents=NEW, kubernetes=VERSION, seconds=60.0):
    at = machines[name]
    planes = {n: m.address for n, m in machines.items() if n.startswith("cp")} or {name: at.address}
    return {
        "machine": name,
        "node": at.address,
        "clientConfiguration": at.client(),
        "planes": planes,
        "kubernetes": kubernetes,
        "documents": documents,
        "controlplane": name.startswith("cp"),
        "generation": 0,
        "timeoutSeconds": seconds,
    }


def before(wanted, **was):
    return {**wanted, "documents": OLD, "kubernetes": VERSION, "turn": 0, "began": "", "reboots": False, **was}


def take(wanted, state=None, said=None):
    return asyncio.run(
        TURN.update(wanted["machine"], state or before(wanted), wanted, (said if said is not None else []).append)
    )


def end(wanted, taken, was=0, said=None):
    now = {**wanted, **{key: taken[key] for key in ("turn", "began", "reboots")}}
    return asyncio.run(
        SETTLED.update(wanted["machine"], {**now, "turn": was}, now, (said if said is not None else []).append)
    )


def mark(cluster, name):
    node = cluster.nodes[name]
    return node["metadata"]["annotations"].get(maintenance_turn.MARK), bool(node["spec"].get("unschedulable"))


def test_the_kubeconfig_is_asked_for_and_unpacked(rack):
    cluster, machines = rack("cp-1")
    at = machines["cp-1"]
    made = kubeconfig(maintenance_turn.client_of({"clientConfiguration": at.client()}), at.address)
    assert made.server == f"https://localhost:{cluster.server.server_port}"


def test_three_that_restart_are_never_away_two_at_once_and_each_is_drained_first(rack):
    cluster, machines = rack("cp-1", "wk-1", "wk-2", "wk-3")

    def go(name):
        wanted = inputs(machines, name)
        taken = take(wanted)
        machines[name].restart()
        end(wanted, taken)

    with futures.ThreadPoolExecutor() as pool:
        list(pool.map(go, ("cp-1", "wk-1", "wk-2", "wk-3")))
    told = [each for each in cluster.events if each[1] != "patched"]
    order = [name for name, what in told if what == "down"]
    assert sorted(order) == ["cp-1", "wk-1", "wk-2", "wk-3"]
    # Each one's whole turn, and then the next one's.
    assert told == [(name, what) for name in order for what in ("drained", "down", "up", "uncordoned")]
    assert {name: mark(cluster, name) for name in machines} == dict.fromkeys(machines, (None, False))


def test_what_is_taken_in_place_takes_no_turn_and_asks_nobody(rack, soon):
    cluster, machines = rack("wk-1")
    soon.keep("wk-9", "it is dead")
    taken = take(inputs(machines, "wk-1", documents=LABEL))
    assert (taken["turn"], cluster.calls) == (0, 0)


@pytest.mark.parametrize("was", [{"generation": -1}, {"node": "10.0.0.9"}])
def test_one_that_is_installed_again_is_not_drained(rack, was):
    cluster, machines = rack("wk-1", "wk-2")
    wanted = inputs(machines, "wk-1")
    assert take(wanted, before(wanted, **was))["turn"] == 0 and cluster.calls == 0


def test_a_worker_gets_its_kubernetes_after_every_control_plane(rack):
    cluster, machines = rack("cp-1", "cp-2", "wk-1", "wk-2")
    cluster.serving["cp-1"] = NEXT

    def served():
        cluster.events.append(("cp-2", "serves"))
        cluster.serving["cp-2"] = NEXT

    threading.Timer(2.0, served).start()
    take(inputs(machines, "wk-1", documents=OLD, kubernetes=NEXT))
    assert [each for each in cluster.events if each[1] != "patched"] == [("cp-2", "serves"), ("wk-1", "drained")]


def test_a_control_plane_that_stays_behind_keeps_workers_as_they_are_by_name(rack):
    cluster, machines = rack("cp-1", "cp-2", "wk-1", "wk-2")
    cluster.serving["cp-1"] = NEXT
    with pytest.raises(framework.UserError) as failed:
        take(inputs(machines, "wk-1", documents=OLD, kubernetes=NEXT, seconds=1.0))
    assert str(failed.value).startswith(
        "wk-1 waits for the control planes' Kubernetes, which was not v1.35.5 within 1 s (last: not yet at v1.35.5:"
        " cp-2 (kube-apiserver v1.35.4, kube-controller-manager v1.35.4, kube-scheduler v1.35.4)); the resources that"
        " depend on it are not created"
    )
    assert cluster.events == []


def test_a_control_plane_waits_for_no_other_version(rack):
    cluster, machines = rack("cp-1", "wk-1")
    assert take(inputs(machines, "cp-1", documents=OLD, kubernetes=NEXT))["reboots"] is False
    assert ("cp-1", "drained") in cluster.events


def test_no_control_plane_goes_while_etcd_is_not_well_elsewhere(rack):
    cluster, machines = rack("cp-1", "wk-1")
    machines["cp-1"].peers = ["cp-1", "cp-2"]
    with pytest.raises(
        framework.UserError,
        match=r"^cp-1 is not restarted: etcd is not healthy on cp-2, and without cp-1 it could lose its quorum",
    ):
        take(inputs(machines, "cp-1"))
    assert ("cp-1", "drained") not in cluster.events and mark(cluster, "cp-1") == (None, False)


def test_a_kubelet_of_another_version_ends_no_turn(rack):
    cluster, machines = rack("cp-1", "wk-1", "wk-2", version=VERSION)
    cluster.serving["cp-1"] = NEXT
    wanted = inputs(machines, "wk-1", documents=OLD, kubernetes=NEXT, seconds=1.0)
    taken = take(wanted)
    settled_in = {**wanted, "timeoutSeconds": 1.0}
    node_healthy.wait_until_healthy(maintenance_turn.client_of(wanted), wanted["node"], "wk-1", 5.0, print)
    with pytest.raises(
        framework.UserError,
        match=r"^wk-1 was not Ready with kubelet v1.35.5 within 1 s \(last: Ready, its kubelet is v1.35.4\)",
    ):
        node_healthy.wait_for_kubelet(
            maintenance_turn.access_of(maintenance_turn.client_of(wanted), settled_in, print),
            "wk-1",
            NEXT,
            1.0,
            print,
        )
    cluster.nodes["wk-1"]["status"]["nodeInfo"]["kubeletVersion"] = NEXT
    end(wanted, taken)
    assert mark(cluster, "wk-1") == (None, False)


def test_one_that_is_not_well_keeps_its_turn_and_the_others_say_so(rack, monkeypatch):
    cluster, machines = rack("cp-1", "wk-1", "wk-2")
    wanted = inputs(machines, "wk-1")
    taken = take(wanted)
    monkeypatch.setattr(
        node_healthy,
        "wait_until_healthy",
        lambda *a: (_ for _ in ()).throw(framework.UserError("wk-1 was not healthy with its new config; see it")),
    )
    machines["wk-1"].restart()
    waits, told = threading.Event(), []
    other = inputs(machines, "wk-2")

    def second():
        try:
            take(other, said=told)
        except framework.UserError as failed:
            told.append(str(failed))

    thread = threading.Thread(target=second)
    thread.start()
    waits.wait(0.3)
    with pytest.raises(framework.UserError, match="was not healthy"):
        end(wanted, taken)
    thread.join(5)
    assert told == [
        "waits for its turn: wk-1 is being changed, 0 more before it",
        (
            "wk-2 does not get its turn, and its config is not changed: wk-1 has the turn, and is not healthy (wk-1 was"
            " not healthy with its new config); repair that machine, and run up again"
        ),
    ]
    assert ("wk-2", "drained") not in cluster.events and mark(cluster, "wk-1") == ("cordoned", True)


def test_a_config_that_is_never_taken_ends_the_others_by_name(rack, monkeypatch):
    _, machines = rack("cp-1", "wk-1", "wk-2")
    monkeypatch.setattr(turns, "APPLY_SECONDS", 0.2)
    take(inputs(machines, "wk-1"))
    with pytest.raises(
        framework.UserError,
        match=(
            r"^wk-2 does not get its turn, and its config is not changed: wk-1 has the turn, and its config was not"
            r" applied; repair that machine"
        ),
    ):
        take(inputs(machines, "wk-2"))


def test_after_a_kill_the_others_wait_for_the_one_that_was_left_half_way(rack, soon, monkeypatch):
    """Its turn is in the state, and its config goes at once: nothing but the mark on its Node is there to wait for."""
    cluster, machines = rack("cp-1", "wk-1", "wk-2")
    wanted = inputs(machines, "wk-1")
    taken = take(wanted)
    for module in (maintenance_turn, node_healthy):
        monkeypatch.setattr(module, "TURNS", turns.Turns())  # Another process.
    other, said = inputs(machines, "wk-2"), []
    with futures.ThreadPoolExecutor() as pool:
        second = pool.submit(take, other, None, said)
        time.sleep(0.3)
        assert not second.done() and said[0] == "waits for its turn: an earlier run left wk-1 unfinished"
        machines["wk-1"].restart()
        end(wanted, taken)
        second.result(10)
    told = [each for each in cluster.events if each[1] != "patched"]
    assert told.index(("wk-1", "uncordoned")) < told.index(("wk-2", "drained"))


def test_after_a_kill_while_it_was_drained_it_goes_on_first(rack, monkeypatch):
    cluster, machines = rack("cp-1", "wk-1", "wk-2")
    nodes.annotate(
        maintenance_turn.Access.parse(cluster.kubeconfig()), "wk-2", {maintenance_turn.MARK: maintenance_turn.OURS}
    )
    cluster.nodes["wk-2"]["spec"]["unschedulable"] = True

    def go(name):
        wanted = inputs(machines, name)
        taken = take(wanted)
        machines[name].restart()
        end(wanted, taken)

    with futures.ThreadPoolExecutor() as pool:
        list(pool.map(go, ("wk-1", "wk-2")))
    assert [name for name, what in cluster.events if what == "down"] == ["wk-2", "wk-1"]
    assert mark(cluster, "wk-2") == (None, False)


def test_one_that_can_not_be_drained_goes_on_as_it_was_and_so_do_the_others(rack, monkeypatch):
    cluster, machines = rack("cp-1", "wk-1", "wk-2")
    cluster.held.add("web-wk-1")
    monkeypatch.setattr(maintenance_turn, "DRAIN_SECONDS", 0.3)
    with pytest.raises(
        framework.UserError, match=r"^wk-1 was not drained within 0 s .last: pod d/web-wk-1 stays: the budget holds it"
    ):
        take(inputs(machines, "wk-1"))
    assert mark(cluster, "wk-1") == (None, False)
    take(inputs(machines, "wk-2"))


def test_a_node_that_somebody_cordoned_stays_so(rack):
    cluster, machines = rack("cp-1", "wk-1", "wk-2")
    cluster.nodes["wk-1"]["spec"]["unschedulable"] = True
    wanted = inputs(machines, "wk-1")
    taken = take(wanted)
    machines["wk-1"].restart()
    end(wanted, taken)
    assert mark(cluster, "wk-1") == (None, True)


def test_where_nothing_can_move_nothing_is_evicted(rack):
    cluster, machines = rack("cp-1")
    said, wanted = [], inputs(machines, "cp-1")
    taken = take(wanted, said=said)
    assert (
        said == ["no other node takes pods: its pods stay on it, and are unavailable while it restarts"]
        and "web-cp-1" in cluster.pods
    )
    machines["cp-1"].restart()
    end(wanted, taken)
    assert mark(cluster, "cp-1") == (None, False)


def test_one_that_had_its_config_is_not_waited_for_to_restart(rack, monkeypatch):
    """Its turn was taken, its config failed, and then the config was put back as it was."""
    cluster, machines = rack("cp-1", "wk-1", "wk-2")
    monkeypatch.setattr(node_healthy, "RESTART_SECONDS", 0.2)
    wanted, said = inputs(machines, "wk-1"), []
    end(wanted, take(wanted), said=said)
    assert (
        "did not restart: it already had this config" in said
        and said[-1] == "wk-1 is healthy, and takes pods as before"
        and mark(cluster, "wk-1") == (None, False)
    )


BASE = [json.dumps({"machine": {"type": "worker", "env": {"A": "1"}}})]


@pytest.mark.parametrize("recorded", [True, False])
def test_only_what_differs_from_the_base_takes_a_turn(rack, recorded):
    """recorded: whether the state has the base, which states of earlier releases do not."""
    inputs = {"machine": "wk-1", "node": "n", "generation": 0, "base": BASE, "documents": [], "kubernetes": VERSION}
    state = {**inputs, "turn": 4, "began": "x", "reboots": False}
    if not recorded:
        del state["base"]
        assert TURN.equal_inputs(inputs, state) == {"base"}
    assert TURN.describe_change({**inputs, "documents": OLD}, state) is None
    assert TURN.plan({**inputs, "documents": OLD}, state)["turn"] == 4
    gone = [json.dumps({"machine": {"env": {"A": {"$patch": "delete"}}}})]
    absent = [json.dumps({"machine": {"files": {"$patch": "delete"}}})]
    assert TURN.describe_change({**inputs, "documents": absent}, state) is None
    for changed in (NEW, gone):
        assert "REBOOTS" in TURN.describe_change({**inputs, "documents": changed}, state)
        assert TURN.plan({**inputs, "documents": changed}, state)["turn"] is framework.UNKNOWN


def test_another_base_takes_a_turn(rack):
    inputs = {"machine": "wk-1", "node": "n", "generation": 0, "base": BASE, "documents": [], "kubernetes": VERSION}
    state = {**inputs, "turn": 4, "began": "x", "reboots": False}
    assert TURN.equal_inputs(inputs, state) == frozenset()
    assert "REBOOTS" in TURN.describe_change({**inputs, "base": NEW}, state)


def test_a_plan_says_what_takes_a_turn(rack):
    state = {
        "machine": "wk-1",
        "node": "n",
        "generation": 0,
        "documents": OLD,
        "kubernetes": VERSION,
        "turn": 4,
        "began": "x",
        "reboots": False,
    }
    assert (
        TURN.describe_change({**state, "documents": NEW}, state)
        == "wk-1: REBOOTS, drained, in its turn; the next one waits until it is healthy"
    )
    assert (
        TURN.describe_change({**state, "kubernetes": NEXT}, state)
        == "wk-1: its Kubernetes goes v1.35.4 -> v1.35.5, drained, after the control planes and in its turn; the next"
        " one waits until it is healthy"
    )
    assert TURN.describe_change({**state, "kubernetes": NEXT, "controlplane": True}, state).endswith(
        "drained, in its turn; the next one waits until it is healthy"
    )
    assert (
        TURN.describe_change({**state, "documents": LABEL}, state) is None and TURN.describe_change(state, None) is None
    )
    assert (
        TURN.plan({**state, "documents": LABEL}, state)["turn"] == 4
        and TURN.plan({**state, "documents": NEW}, state)["turn"] is framework.UNKNOWN
    )


def test_who_can_hand_out_a_kubeconfig_must_be_known():
    given = {"machine": "a", "node": "b", "clientConfiguration": framework.UNKNOWN, "timeoutSeconds": 9, "planes": {}}
    for gate in (TURN, SETTLED):
        assert [error.reason for error in gate.check(given) if error.property == "planes"] == [
            "is not a mapping from one or more control planes to their addresses; a control plane issues the kubeconfig"
            " with which nodes are drained; write name: address"
        ]
