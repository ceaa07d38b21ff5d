"""The store: nothing twice, nothing half, and two runs at once do no harm."""

import os
import signal
import subprocess
import time

import pytest

from toolchain import Layout, seal, setup, store
from toolchain.lock import load


@pytest.fixture(autouse=True)
def building(monkeypatch):
    monkeypatch.setenv("BEDPLATE_TOOLCHAIN", "build")


def test_a_second_run_starts_no_process(checkout, monkeypatch):
    first = checkout.ensure()

    def refuse(*_arguments, **_options):
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    assert checkout.ensure() == first
    assert checkout.told.getvalue() == ""


def test_a_changed_pin_rebuilds_only_its_own_part(checkout):
    checkout.ensure()
    checkout.lock(lambda text: text.replace('ldflags = "-X a.b=c"', 'ldflags = "-X a.b=d"'))
    checkout.ensure()
    assert checkout.builds == ["alpha", "beta", "beta"]


@pytest.mark.parametrize("file", ["go.mod", "main.go"])
def test_a_changed_module_file_rebuilds_only_its_own_part(checkout, file):
    checkout.ensure()
    with open(checkout.root / "toolchain" / "parts" / "alpha" / file, "a") as module:
        module.write("// changed\n")
    checkout.ensure()
    assert checkout.builds == ["alpha", "beta", "alpha"]


def test_what_the_release_says_does_not_change_what_is_built(checkout):
    checkout.ensure()
    checkout.lock(lambda text: text.replace("https://releases.test", "https://moved.test"))
    checkout.ensure()
    assert checkout.builds == ["alpha", "beta"]


def test_going_back_to_an_earlier_pin_builds_nothing(checkout):
    checkout.ensure()
    before = (checkout.root / "toolchain" / "parts" / "alpha" / "VERSION").read_text()
    (checkout.root / "toolchain" / "parts" / "alpha" / "VERSION").write_text("1.0.1")
    changed = checkout.ensure()["alpha"]
    assert subprocess.check_output([changed], text=True) == "1.0.1\n"
    (checkout.root / "toolchain" / "parts" / "alpha" / "VERSION").write_text(before)
    assert subprocess.check_output([checkout.ensure()["alpha"]], text=True) == "1.0.0\n"
    assert checkout.builds == ["alpha", "beta", "alpha"]


def test_an_entry_without_its_record_is_never_used(checkout):
    checkout.ensure("alpha")
    part = load(checkout.layout.lock).parts["alpha"]
    (store.folder(part, "build", checkout.layout) / store.RECORD).unlink()
    assert store.find(part, checkout.layout, None) is None
    checkout.ensure("alpha")
    assert checkout.builds == ["alpha", "alpha"]


def test_a_finished_part_comes_into_the_store_in_one_step(checkout, monkeypatch):
    moved = []
    rename = os.rename
    monkeypatch.setattr(os, "rename", lambda old, new: (moved.append(os.listdir(old)), rename(old, new)))
    checkout.ensure("alpha")
    assert [sorted(names) for names in moved] == [["alpha", store.RECORD, seal.SEAL]]


def test_an_entry_that_lost_a_file_is_built_again(checkout):
    checkout.ensure("alpha")
    part = load(checkout.layout.lock).parts["alpha"]
    (store.folder(part, "build", checkout.layout) / "alpha").unlink()
    checkout.ensure("alpha")
    assert checkout.builds == ["alpha", "alpha"]


def test_a_deleted_link_is_put_back_without_a_build(checkout):
    ours = checkout.ensure("alpha")["alpha"]
    ours.unlink()
    assert checkout.ensure("alpha")["alpha"].exists()
    assert checkout.builds == ["alpha"]


def test_a_store_is_shared_between_checkouts(checkout, monkeypatch, tmp_path):
    monkeypatch.setenv("BEDPLATE_STORE", str(tmp_path / "shared"))
    checkout.layout = Layout.of(checkout.root)
    checkout.ensure()
    second = tmp_path / "second"
    (checkout.root / "toolchain").rename(tmp_path / "toolchain")
    second.mkdir()
    (tmp_path / "toolchain").rename(second / "toolchain")
    checkout.layout = Layout.of(second)
    assert checkout.ensure()["alpha"] == second / ".toolchain" / "bin" / "alpha"
    assert checkout.builds == ["alpha", "beta"]


def test_a_killed_build_leaves_nothing_that_is_used_and_is_done_again(checkout):
    slow = checkout.go.with_name("slow")
    slow.write_text("60")
    process = checkout.spawn("alpha")
    wait_for(lambda: checkout.builds == ["alpha"])
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert list((checkout.layout.store / ".tmp").iterdir()), "the killed run was not in the middle of a build"
    part = load(checkout.layout.lock).parts["alpha"]
    assert store.find(part, checkout.layout, None) is None

    slow.unlink()
    ours = checkout.ensure("alpha")["alpha"]
    assert subprocess.check_output([ours], text=True) == "1.0.0\n"
    assert list((checkout.layout.store / ".tmp").iterdir()) == []


def test_of_two_runs_at_once_one_builds_and_the_other_waits(checkout):
    slow = checkout.go.with_name("slow")
    slow.write_text("60")
    first = checkout.spawn("both")
    wait_for(lambda: checkout.builds == ["alpha"])
    second = checkout.spawn("both")
    for line in second.stdout:
        if line == "alpha: another run sets it up; waiting for it\n":
            slow.unlink()
    assert not slow.exists(), "the second run did not wait"
    assert first.wait(60) == 0, first.stdout.read()
    assert second.wait(60) == 0
    second.stdout.close()
    assert sorted(checkout.builds) == ["alpha", "beta"]
    first.stdout.close()


def test_unknown_names_are_refused_with_the_known_ones(checkout):
    with pytest.raises(setup.ToolchainError) as caught:
        checkout.ensure("gamma")
    assert str(caught.value) == "toolchain: 'gamma' is not a known part or set; known are alpha, beta, both"


def wait_for(true) -> None:
    until = time.monotonic() + 30
    while not true():
        assert time.monotonic() < until, "it never came so far"
        time.sleep(0.02)
