"""What the supervisor does about a node that does not get well."""

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
    made = Node(
        Layout(tmp_path / "t"),
        Topology(name="t", machines=(CP,)),
        CP,
        index=0,
        rootfs=Path("/"),
        runc=Path("/bin/true"),
        host=Host(open_files=1, devices=()),
    )
    made.wanted, made.process = True, Process.at(1)
    stopped = []
    monkeypatch.setattr(made, "clear", lambda: stopped.append(True))
    monkeypatch.setattr(made, "_mounts", lambda pid: "")
    made.stopped = stopped
    return made


def test_a_kubelet_that_starts_again_and_again_ends_the_node(node, monkeypatch):
    kubelets = iter(Process(100 + n, n) for n in range(100))
    monkeypatch.setattr(module, "kubelet_in", lambda pid: next(kubelets))
    said = [node.watch() for _ in range(module.MOST_KUBELETS + 1)]
    assert said[:-1] == [""] * module.MOST_KUBELETS
    assert "cp-1 was stopped: its kubelet started 7 times" in said[-1]
    assert node.stopped and not node.wanted


def test_a_kubelet_that_stays_is_left_alone(node, monkeypatch):
    monkeypatch.setattr(module, "kubelet_in", lambda pid: Process(100, 1))
    assert {node.watch() for _ in range(50)} == {""}


def test_kubelets_long_ago_do_not_count(node, monkeypatch):
    kubelets = iter(Process(100 + n, n) for n in range(100))
    clock = iter(range(0, 10_000, 60))
    monkeypatch.setattr(module, "kubelet_in", lambda pid: next(kubelets))
    monkeypatch.setattr(module.time, "monotonic", lambda: float(next(clock)))
    assert {node.watch() for _ in range(20)} == {""}


def test_too_many_mounts_end_the_node(node, monkeypatch):
    monkeypatch.setattr(module, "kubelet_in", lambda pid: None)
    monkeypatch.setattr(node, "_mounts", lambda pid: "it has 65760 mounts")
    assert "65760 mounts" in node.watch() and node.trouble


def test_a_node_that_was_stopped_on_purpose_is_not_started_again(node):
    node.wanted, node.process = False, None
    assert node.watch() == ""


def test_a_node_that_ends_is_started_as_after_a_reboot_but_not_for_ever(node, monkeypatch):
    starts = []
    node.process = None
    monkeypatch.setattr(node, "start", lambda: starts.append(True))
    node._started_at = module.time.monotonic()
    said = [node.watch() for _ in range(module.MOST_QUICK_ENDS)]
    assert len(starts) == module.MOST_QUICK_ENDS - 1
    assert "as a reboot would" in said[0] and "stays off" in said[-1]


def test_a_node_that_was_told_to_erase_itself_stays_off_with_nothing_on_it(node, monkeypatch):
    monkeypatch.setattr(node, "start", lambda: pytest.fail("it was started again"))
    (node.directory / "volumes").mkdir(parents=True)
    (node.directory / "console.log").write_bytes(b"reset request received. actorID: of an earlier life\n")
    node._console_before = module.size(node.directory / "console.log")
    with (node.directory / "console.log").open("ab") as console:
        console.write(b"[talos] 2026 reset request received. actorID: 1\n")
    node.process = None
    assert node.watch() == "cp-1 was reset: it is off, and its volumes are empty"
    assert not node.wanted and not (node.directory / "volumes").exists() and node.watch() == ""


def test_what_a_node_was_told_in_an_earlier_life_is_over(node, monkeypatch):
    starts = []
    monkeypatch.setattr(node, "start", lambda: starts.append(True))
    node.directory.mkdir(parents=True)
    (node.directory / "console.log").write_bytes(b"reset request received. actorID: of an earlier life\n")
    node._console_before, node.process = module.size(node.directory / "console.log"), None
    assert "as a reboot would" in node.watch() and starts == [True]
