"""Real nodes and a real API, and that nothing of either is left."""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from lab import cleanup, others, prepare
from lab.kernel import Process, descendants
from lab.layout import Layout
from lab.order import Order
from lab.session import Lab
from lab.snapshot import Snapshot
from lab.speed import deadline
from lab.talosapi import Clients
from lab.testing.fixtures import NODE
from lab.topology import Machine, Topology
from lab.waiting import wait_for

pytestmark = pytest.mark.lab


@pytest.fixture
def layout(tmp_path_factory):
    # Beside the other labs, so that images and root file systems are shared with them.
    layout_of_test = Layout.of(prepare.CHECKOUT / ".toolchain", f"test-{os.getpid()}")
    yield layout_of_test
    cleanup.stop(layout_of_test)
    cleanup.remove_tree(layout_of_test.directory)


def order(layout: Layout, host) -> Order:
    topology = Topology(
        name=layout.name,
        mark=layout.mark,
        network="10.6.0.0/24",
        user_namespace=host.user_namespace,
        machines=(Machine(name="cp-1", role="controlplane", address="10.6.0.11"),),
    )
    return prepare.order(layout, topology, prepare.binaries("lab"), host)


def test_a_kubernetes_api_without_nodes_accepts_objects(kubernetes_api):
    kubectl = prepare.binaries("kubectl")["kubectl"]
    command = [str(kubectl), "--kubeconfig", str(kubernetes_api.kubeconfig)]
    subprocess.run([*command, "create", "namespace", "seen"], check=True, timeout=deadline(20), capture_output=True)
    created = subprocess.run(
        [*command, "get", "namespace", "seen", "--output=name"], check=True, timeout=deadline(20), capture_output=True
    )
    assert created.stdout == b"namespace/seen\n"


def test_a_node_waits_in_maintenance_mode_at_its_address(talos_node):
    status = talos_node.talos("get", "machinestatus", "--insecure", f"--nodes={NODE.address}", "--output=yaml")
    assert "stage: maintenance" in status


def test_a_node_that_loses_its_power_keeps_its_volumes(talos_lab, talos_node):
    volume = talos_lab.layout.node(NODE.name) / "volumes" / "system-state" / "kept"
    volume.write_text("here")
    talos_lab.stop_node(NODE.name)
    assert not talos_lab.nodes()[NODE.name]["running"]
    talos_lab.start_node(NODE.name)
    wait_for("the node", lambda: talos_node.maintenance(NODE.address), seconds=60)
    assert volume.read_text() == "here" and talos_lab.nodes()[NODE.name]["starts"] == 2


def test_nothing_is_left_of_a_lab_that_ends(layout, lab_host):
    before = Snapshot.take(layout)
    with Lab.start(layout, order(layout, lab_host)) as lab:
        lab.start_node("cp-1")
        assert Snapshot.take(layout).cgroups - before.cgroups, "a running node has cgroups"
        init = lab.init
    assert not init.alive
    assert before.difference(Snapshot.take(layout)) == {}
    assert cleanup.stop(layout) == [], "a second stop finds nothing"


def test_stop_removes_everything_that_a_lab_with_a_killed_init_left(layout, lab_host):
    before = Snapshot.take(layout)
    lab = Lab.start(layout, order(layout, lab_host))
    lab.start_node("cp-1")
    lab.init.signal(signal.SIGKILL)
    wait_for("the lab's end", lambda: not lab.init.alive, seconds=20)
    assert "removed its cgroups" in cleanup.stop(layout)
    assert before.difference(Snapshot.take(layout)) == {}


def test_labs_of_two_checkouts_with_one_name_run_side_by_side(layout, lab_host, tmp_path):
    """The same stack and addresses: neither the start nor the end of one lab affects the other."""
    other = Layout.of(tmp_path / ".toolchain", layout.name)
    other.directory.parent.mkdir(parents=True)
    other.store.symlink_to(layout.store, target_is_directory=True)
    with Lab.start(layout, order(layout, lab_host)) as lab:
        lab.start_node("cp-1")
        wanted = order(other, lab_host)
        # The images may lie behind a link, a root may not.
        with Lab.start(other, replace(wanted, rootfs=str(Path(wanted.rootfs).resolve()))) as second:
            second.start_node("cp-1")
            assert second.nodes()["cp-1"]["running"]
            (foreign,) = (each for each in others.foreign(other.directory.parent) if each.pid == lab.init.pid)
            assert (foreign.checkout, foreign.stack) == (layout.checkout, layout.name)
        assert lab.nodes()["cp-1"]["running"] and lab.nodes()["cp-1"]["starts"] == 1
        assert Snapshot.take(layout).cgroups and not Snapshot.take(other).cgroups


def test_every_process_of_a_node_is_in_the_labs_own_cgroup(talos_lab, talos_node):
    """Therefore what is left of a lab is found by the lab's name."""
    layout = talos_lab.layout
    init = talos_lab.nodes()[NODE.name]["pid"]
    # The supervisor's numbers are those of the lab's own process namespace.
    outside = [pid for pid in descendants(talos_lab.init.pid) if inner(pid) == init]
    places = [Path(f"/proc/{pid}/cgroup").read_text() for pid in descendants(outside[0])]
    assert len(places) > 1 and all(f"/bedplate-{layout.identity}/{NODE.name}" in place for place in places)


def inner(pid: int) -> int:
    """A process's id in its lab's process namespace."""
    (line,) = (line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("NSpid:"))
    return int(line.split()[2]) if len(line.split()) > 2 else 0


OWNER = """
import sys
from lab import prepare, preflight
from lab.kernel import Process, descendants
from lab.layout import Layout
from lab.session import Lab
from lab.snapshot import Snapshot
sys.path.insert(0, {tests!r})
from test_real import order
layout = Layout.of(prepare.CHECKOUT / ".toolchain", {name!r})
lab = Lab.start(layout, order(layout, preflight.host()))
lab.start_node("cp-1")
print(lab.init.pid, lab.init.started, flush=True)
import time; time.sleep(120)
"""


def test_a_lab_ends_with_its_owner_even_if_the_owner_is_killed(layout, lab_host):
    before = Snapshot.take(layout)
    order(layout, lab_host)  # built beforehand, because the owner has little time
    script = OWNER.format(tests=str(Path(__file__).parent), name=layout.name)
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=prepare.CHECKOUT
    ) as owner:
        try:
            pid, started = map(int, owner.stdout.readline().split())
        finally:
            owner.kill()
    init = Process(pid, started)
    wait_for("the lab to end with its owner", lambda: not init.alive, seconds=20)
    cleanup.stop(layout)
    assert before.difference(Snapshot.take(layout)) == {}


def test_the_next_start_removes_what_a_killed_lab_left(layout, lab_host):
    first = Lab.start(layout, order(layout, lab_host))
    first.start_node("cp-1")
    first.init.signal(signal.SIGKILL)
    with Lab.start(layout, order(layout, lab_host)) as second:
        second.start_node("cp-1")
        time.sleep(1)
        assert second.nodes()["cp-1"]["running"]


def test_a_node_whose_kubelet_crash_loops_is_stopped_and_reported(layout, lab_host, tmp_path):
    """Each restart doubles its shared mounts, so the host would stall within minutes."""
    with Lab.start(layout, order(layout, lab_host)) as lab:
        lab.start_node("cp-1")
        clients = Clients(lab, prepare.binaries("lab"), tmp_path)
        wait_for("maintenance", lambda: clients.maintenance("10.6.0.11"), seconds=60)
        patch = [
            {
                "machine": {
                    "kubelet": {
                        "extraArgs": {"no-such-flag": "x"},
                        "image": f"ghcr.io/siderolabs/kubelet:{prepare.versions().kubernetes}",
                    },
                    "registries": {"mirrors": {"*": {"endpoints": [lab.order.topology.registry]}}},
                }
            },
            prepare.trust(layout),
        ]
        (tmp_path / "patch.yaml").write_text(yaml.safe_dump_all(patch))
        lab.run(
            [
                str(prepare.binaries("talosctl")["talosctl"]),
                "gen",
                "config",
                "lab",
                "https://10.6.0.11:6443",
                "--output-types=controlplane",
                f"--output={tmp_path}/config.yaml",
                f"--config-patch=@{tmp_path}/patch.yaml",
                "--with-docs=false",
                "--with-examples=false",
            ],
            seconds=30,
        )
        clients.talos("apply-config", "--insecure", "--nodes=10.6.0.11", f"--file={tmp_path}/config.yaml")
        wait_for("the watch to stop it", lambda: lab.nodes()["cp-1"]["trouble"], seconds=180, every=1)
        # The restarts or the mounts, whichever exceeds its limit first.
        trouble = r"its kubelet started \d+ times within 180 s|it has \d+ mounts, more than 4000"
        assert re.fullmatch(trouble, lab.nodes()["cp-1"]["trouble"])
        assert not lab.nodes()["cp-1"]["running"]
        with pytest.raises(RuntimeError, match=f"cp-1: ({trouble})"):
            lab.check()
