"""How the supervisor treats a node that does not become healthy."""

from pathlib import Path

import pytest

from lab import node as module
from lab.kernel import Process
from lab.layout import Layout
from lab.node import Node
from lab.spec import Host
from lab.topology import Machine, Topology

CP = Machine(name="cp-1", role="controlplane", address="10.5.0.11")


@pytest.fixture
def node(tmp_path, monkeypatch):
    node_of_test = Node(
        Layout(tmp_path / "t"),
        Topology(name="t", machines=(CP,)),
        CP,
        index=0,
        rootfs=Path("/"),
        runc=Path("/bin/true"),
        host=Host(open_files=1, devices=()),
    )
    node_of_test.wanted, node_of_test.process = True, Process.at(1)
    stopped = []
    monkeypatch.setattr(node_of_test, "clear", lambda: stopped.append(True))
    monkeypatch.setattr(node_of_test, "_mounts", lambda pid: "")
    node_of_test.stopped = stopped
    return node_of_test


def test_a_node_with_a_crash_looping_kubelet_is_stopped(node, monkeypatch):
    kubelets = iter(Process(100 + n, n) for n in range(100))
    monkeypatch.setattr(module, "kubelet_in", lambda pid: next(kubelets))
    lines = [node.watch() for _ in range(module.MOST_KUBELETS + 1)]
    assert lines[:-1] == [""] * module.MOST_KUBELETS
    assert "cp-1 was stopped: its kubelet started 7 times" in lines[-1]
    assert node.stopped and not node.wanted


def test_a_node_with_a_running_kubelet_is_left_alone(node, monkeypatch):
    monkeypatch.setattr(module, "kubelet_in", lambda pid: Process(100, 1))
    assert {node.watch() for _ in range(50)} == {""}


def test_restarts_of_the_kubelet_long_ago_do_not_count(node, monkeypatch):
    kubelets = iter(Process(100 + n, n) for n in range(100))
    clock = iter(range(0, 10_000, 60))
    monkeypatch.setattr(module, "kubelet_in", lambda pid: next(kubelets))
    monkeypatch.setattr(module.time, "monotonic", lambda: float(next(clock)))
    assert {node.watch() for _ in range(20)} == {""}


def test_a_node_with_too_many_mounts_is_stopped(node, monkeypatch):
    monkeypatch.setattr(module, "kubelet_in", lambda pid: None)
    monkeypatch.setattr(node, "_mounts", lambda pid: "it has 65760 mounts")
    assert "65760 mounts" in node.watch() and node.trouble


def test_a_node_that_was_stopped_on_purpose_is_not_restarted(node):
    node.wanted, node.process = False, None
    assert node.watch() == ""


def test_a_node_that_ends_is_restarted_a_limited_number_of_times(node, monkeypatch):
    starts = []
    node.process = None
    monkeypatch.setattr(node, "start", lambda: starts.append(True))
    node._started_at = module.time.monotonic()
    lines = [node.watch() for _ in range(module.MOST_QUICK_ENDS)]
    assert len(starts) == module.MOST_QUICK_ENDS - 1
    assert "as a reboot would" in lines[0] and "stays off" in lines[-1]


def test_a_node_that_is_reset_stays_off_with_empty_volumes(node, monkeypatch):
    monkeypatch.setattr(node, "start", lambda: pytest.fail("it was started again"))
    (node.directory / "volumes").mkdir(parents=True)
    (node.directory / "console.log").write_bytes(b"reset request received. actorID: of an earlier life\n")
    node._console_before = module.size(node.directory / "console.log")
    with (node.directory / "console.log").open("ab") as console:
        console.write(b"[talos] 2026 reset request received. actorID: 1\n")
    node.process = None
    assert node.watch() == "cp-1 was reset: it is off, and its volumes are empty"
    assert not node.wanted and not (node.directory / "volumes").exists() and node.watch() == ""


def test_a_reset_before_the_last_start_has_no_effect(node, monkeypatch):
    starts = []
    monkeypatch.setattr(node, "start", lambda: starts.append(True))
    node.directory.mkdir(parents=True)
    (node.directory / "console.log").write_bytes(b"reset request received. actorID: of an earlier life\n")
    node._console_before, node.process = module.size(node.directory / "console.log"), None
    assert "as a reboot would" in node.watch() and starts == [True]
