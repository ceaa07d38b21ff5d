"""Two checkouts on one machine: each ends its own lab, and leaves the other's alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab import cgroups, cleanup, others
from lab.kernel import Process
from lab.layout import Layout
from lab.snapshot import Snapshot
from lab.waiting import wait_for


@pytest.fixture
def labs(tmp_path):
    """The lab `dev` of two checkouts."""
    layouts = [Layout.of(tmp_path / name / ".toolchain", "dev") for name in ("one", "two")]
    for layout in layouts:
        layout.directory.mkdir(parents=True)
    return layouts


def busy(layout):
    """A cgroup of this lab with a process in it; the process and the directory."""
    for parent in cgroups.own():
        place = parent / cgroups.name(layout.identity) / "cp-1"
        try:
            place.mkdir(parents=True)
            process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            (place / "cgroup.procs").write_text(str(process.pid))
        except OSError:
            cgroups.remove([place.parent], seconds=0)
            continue
        return process, place
    text = "this computer allows no cgroup of its own"
    pytest.fail(text) if os.environ.get("CI") == "true" else pytest.skip(text)


def test_no_two_checkouts_share_a_name_that_the_machine_sees(labs):
    one, two = labs
    assert one.name == two.name and one.identity != two.identity and one.mark in one.identity
    assert not set(cgroups.of_lab(one.identity)) & set(cgroups.of_lab(two.identity))


def test_a_lab_of_another_checkout_is_left_alone(labs):
    """Regression: both had the cgroup bedplate-dev, and the second lab gave up after 20 s."""
    one, two = labs
    process, place = busy(one)
    try:
        before = Snapshot.take(two)
        assert cleanup.stop(two) == []
        assert process.poll() is None and place.exists()
    finally:
        process.kill()
        process.wait()
        assert cleanup.stop(one) == ["removed its cgroups"]
    assert before.difference(Snapshot.take(two)) == {}


def test_the_processes_in_a_cgroup_that_can_not_be_removed_are_named(labs, monkeypatch):
    one, _ = labs
    process, place = busy(one)
    monkeypatch.setattr(cgroups, "remove", lambda directories: [each for each in directories if each.exists()])
    try:
        with pytest.raises(RuntimeError) as refused:
            cleanup.stop(one)
    finally:
        monkeypatch.undo()
        process.kill()
        process.wait()
        cleanup.stop(one)
    text = str(refused.value)
    assert text.startswith(f"lab dev of the checkout {one.checkout}: its cgroups {place.parent}")
    assert f"they hold {process.pid} python" in text and text.endswith("run ./bedplate rehearse stop dev")


# A process that looks like a lab's supervisor, without a lab.
PRETENDER = "import sys, time; print('on', flush=True); time.sleep(600)"


def test_a_lab_of_another_checkout_is_named_with_its_stack_its_process_and_its_time(labs):
    one, two = labs
    command = [sys.executable, "-c", PRETENDER, "-m", "lab.supervisor", str(one.directory), "3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline() == b"on\n"
            one.record(Process.at(process.pid))
            (labs_record,) = (lab for lab in others.foreign(two.directory.parent) if lab.checkout == one.checkout)
            assert (labs_record.stack, labs_record.pid) == ("dev", process.pid)
            assert abs(labs_record.since - os.stat(one.init_file).st_mtime) < 30
            assert f"lab dev of the checkout {one.checkout} (process {process.pid}, since 20" in str(labs_record)
            lines = cleanup.left_alone(two.checkout / ".toolchain")
            stop = "stop it from its own checkout, with ./bedplate rehearse stop dev"
            assert f"{labs_record} keeps running: {stop}" in lines
            assert not [lab for lab in others.foreign(one.directory.parent) if lab.checkout == one.checkout]
        finally:
            process.kill()
    wait_for("its end", lambda: not [lab for lab in others.foreign(Path("/")) if lab.pid == process.pid], seconds=5)
