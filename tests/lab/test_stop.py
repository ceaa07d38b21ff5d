"""A rehearsal that is killed, and the command that ends its lab."""

import subprocess
import sys

import pytest

from lab import namespaces, prepare
from lab.layout import Layout
from lab.snapshot import Snapshot
from lab.speed import deadline

pytestmark = pytest.mark.lab


def test_stop_removes_a_killed_rehearsal(lab_host):
    """After `kill -9` of the command and `rehearse stop`, the computer is as before."""
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
    # Stop the kept lab before any assertion, because a failed one would leave the lab running.
    stop = subprocess.run(
        [sys.executable, "-m", "lab", "stop", "dev"],
        cwd=prepare.CHECKOUT,
        text=True,
        timeout=deadline(60),
        capture_output=True,
    )
    # The lab's init and supervisor, and the node's own init.
    assert alive and len(inside) >= 3, f"with --keep, a lab outlives its command: {inside}"
    assert stop.returncode == 0 and f"ended lab dev (process {init.pid})" in stop.stdout
    assert namespaces.left_in(own) == []
    assert before.difference(Snapshot.take(layout)) == {}
