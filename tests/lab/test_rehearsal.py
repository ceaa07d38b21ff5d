"""The whole rehearsal of dev, as a user runs it: real nodes, the real engine, and nothing left of either."""

import json
import subprocess
import sys

import pytest

from lab import namespaces, prepare
from lab.layout import Layout
from lab.snapshot import Snapshot
from lab.speed import deadline

pytestmark = pytest.mark.lab

PHASES = [
    "look at the machine",
    "toolchain",
    "nodes",
    "up",
    "what stands",
    "kubelets' certificates",
    "up again",
    "a change",
    "restarts in turns",
    "another Kubernetes",
    "an object edited by hand",
    "a machine edited by hand",
    "no approver",
    "an adoption",
    "a renewal",
    "a snapshot on a schedule",
    "a restore",
    "destroy",
    "end",
]


def test_dev_is_rehearsed_from_nothing_to_a_clean_end(lab_host):
    told = subprocess.run(
        [sys.executable, "-m", "lab", "dev"],
        cwd=prepare.CHECKOUT,
        text=True,
        timeout=deadline(900),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert told.returncode == 0, told.stdout[-6000:]
    times = json.loads((prepare.CHECKOUT / ".toolchain" / "lab" / "dev.times.json").read_text())
    assert [(one["phase"], one["outcome"]) for one in times["phases"]] == [(phase, "ok") for phase in PHASES]
    facts = times["facts"]
    assert facts["drift"].startswith("seen and put right"), facts
    assert facts["namespaces_ended"] > 5
    assert facts["kubelets_certificates"]["subject"] == {"cp-1": "system:node:cp-1"}
    assert facts["without_approver"].startswith("the node was Ready")
    assert any("Secrets" in kind for kind in facts["kept_by_destroy"]) and facts["left_behind"] == {}
    # Ready within 90 s of the command on an idle machine; here other tests may have it to themselves.
    assert 0 < facts["api_ready_after_command"] < facts["nodes_ready_after_command"]


def test_a_killed_rehearsal_is_taken_away_by_stop(lab_host):
    """kill -9 of the command in the middle of it, then `rehearse stop`: everything is as before."""
    layout = Layout.of(prepare.CHECKOUT / ".toolchain", "dev")
    before = Snapshot.take(layout)
    with subprocess.Popen(
        [sys.executable, "-m", "lab", "dev", "--keep"],
        cwd=prepare.CHECKOUT,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as command:
        try:
            for line in command.stdout:
                if "nodes: ok" in line:
                    break
            init = layout.init()
            own = namespaces.of_lab(init.pid)
        finally:
            command.kill()
    alive, inside = init.alive, namespaces.inside(own)
    # Whatever is wrong: a lab that was to be kept stays until it is told to end.
    told = subprocess.run(
        [sys.executable, "-m", "lab", "stop", "dev"],
        cwd=prepare.CHECKOUT,
        text=True,
        timeout=deadline(60),
        capture_output=True,
    )
    # The lab's init and supervisor, and the node's own init.
    assert alive and len(inside) >= 3, f"with --keep, a lab outlives its command: {inside}"
    assert told.returncode == 0 and f"ended lab dev (process {init.pid})" in told.stdout
    assert namespaces.left_in(own) == []
    assert before.difference(Snapshot.take(layout)) == {}
