"""System packages: installed where that is allowed, otherwise named in one line to copy."""

import io
import subprocess

import pytest

from toolchain import ToolchainError, system
from toolchain.lock import Part
from toolchain.progress import Progress

NEEDY = Part(
    "needy",
    "go",
    "1",
    "needy",
    needs={
        "libseccomp-dev": "/no/such/seccomp.h",
        "gcc": "command:no-such-compiler",
        "there": "/",
        "python": "module:json",
    },
)


@pytest.fixture
def commands(monkeypatch):
    """What would have been run, and how each ends."""
    ran, codes = [], []

    def run(command, **_options):
        ran.append(" ".join(command))
        return subprocess.CompletedProcess(command, codes.pop(0) if codes else 0, "", "E: no such package\n")

    monkeypatch.setattr(system.subprocess, "run", run)
    monkeypatch.setattr(system.shutil, "which", lambda name: None if name == "no-such-compiler" else f"/usr/bin/{name}")
    return ran, codes


def test_only_missing_variables_are_named():
    assert system.missing([NEEDY]) == ["gcc", "libseccomp-dev"]


def test_root_on_debian_gets_them_installed(commands, monkeypatch):
    monkeypatch.setattr(system.os, "geteuid", lambda: 0)
    told = io.StringIO()
    system.provide([NEEDY], Progress(told))
    assert commands[0] == ["apt-get install -y --no-install-recommends gcc libseccomp-dev"]
    assert told.getvalue() == "Installing system packages: gcc libseccomp-dev\n"


def test_a_fresh_machine_gets_its_package_lists_first(commands, monkeypatch):
    monkeypatch.setattr(system.os, "geteuid", lambda: 0)
    commands[1].append(100)
    system.provide([NEEDY], Progress(io.StringIO()))
    assert [each.split()[1] for each in commands[0]] == ["install", "update", "install"]


def test_a_failed_installation_shows_the_last_lines_and_the_line_to_try(commands, monkeypatch):
    monkeypatch.setattr(system.os, "geteuid", lambda: 0)
    commands[1].extend([100, 0, 100])
    with pytest.raises(ToolchainError) as caught:
        system.provide([NEEDY], Progress(io.StringIO()))
    assert str(caught.value) == (
        "system packages could not be installed: gcc libseccomp-dev\n"
        "  | E: no such package\n"
        "  try: apt-get install -y gcc libseccomp-dev"
    )


def test_another_user_gets_one_line_to_copy(commands, monkeypatch):
    monkeypatch.setattr(system.os, "geteuid", lambda: 1000)
    with pytest.raises(ToolchainError) as caught:
        system.provide([NEEDY], Progress(io.StringIO()))
    assert str(caught.value) == (
        "system packages are missing. Install them, then run again:\n  sudo apt-get install -y gcc libseccomp-dev"
    )
    assert commands[0] == []


def test_nothing_is_said_when_nothing_is_missing():
    told = io.StringIO()
    system.provide([Part("easy", "go", "1", "easy", needs={"there": "/"})], Progress(told))
    assert told.getvalue() == ""
