"""What the engine and its programs write is readable by its owner only, although the umask outside is 022."""

import json
import os
import stat
import sys
import time
from pathlib import Path

import pytest

from runner import main, private, process


@pytest.fixture(autouse=True)
def usual_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


WRITES = """
import pathlib, sys
here = pathlib.Path(sys.argv[1])
(here / "folder").mkdir()
(here / "file").write_text("")
"""


@pytest.mark.parametrize("how", [process.run, process.capture])
def test_a_program_that_is_started_writes_for_its_owner_only(house, tmp_path, how):
    how([sys.executable, "-c", WRITES, tmp_path], dict(os.environ), house.layout)
    assert [oct(mode(tmp_path / name)) for name in ("folder", "file")] == ["0o700", "0o600"]


@pytest.mark.parametrize("command", [["preview", "dev"], ["drift", "dev"], ["pulumi", "stack", "output"]])
def test_every_command_on_a_stack_runs_so(house, command):
    house.exists("dev")
    python = house.layout.venv / "bin" / "python"
    python.parent.mkdir(parents=True, exist_ok=True)
    python.unlink(missing_ok=True)
    python.symlink_to(sys.executable)
    for program in (house.layout.bin / "pulumi", house.root / "operations" / "drift.py"):
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!{sys.executable}\nopen('{house.root}/written', 'w')\n")
        program.chmod(0o755)
    # A plan judges the stack file first.
    (house.root / "operations" / "check.py").write_text("")
    assert main.main_in(house.layout, command) == 0
    assert mode(house.root / "written") == 0o600


def test_files_for_the_boot_server_and_labs_have_the_users_umask(house, tmp_path):
    """Other users read them: dnsmasq, and the unprivileged users of a lab's containers."""
    process.run([sys.executable, "-c", WRITES, tmp_path], dict(os.environ), house.layout, umask=process.INHERITED)
    assert [oct(mode(tmp_path / name)) for name in ("folder", "file")] == ["0o755", "0o644"]


def test_the_state_of_dev_is_closed_and_one_that_was_open_as_well(house):
    state = house.layout.home / "state"
    old = state / ".pulumi" / "stacks" / "house" / "dev.json"
    old.parent.mkdir(parents=True)
    old.write_text("{}")
    outside = house.root / "Pulumi.dev.yaml"
    (state / "link").symlink_to(outside)
    assert (mode(state), mode(old), mode(outside)) == (0o755, 0o644, 0o644)
    assert main.main_in(house.layout, ["preview", "dev"]) == 0
    assert (mode(state), mode(old.parent), mode(old)) == (0o700, 0o700, 0o600)
    assert mode(outside) == 0o644


def test_folders_of_runs_and_the_engines_home_are_closed(house):
    for folder in (house.layout.home / "runs", house.layout.pulumi_home):
        folder.mkdir(mode=0o755)
    assert main.main_in(house.layout, ["preview", "dev"]) == 0
    assert (mode(house.layout.home / "runs"), mode(house.layout.pulumi_home)) == (0o700, 0o700)


def test_a_state_in_a_folder_that_a_group_may_write_stays_the_groups(house, tmp_path, monkeypatch):
    shared = tmp_path / "shared"
    shared.mkdir()
    given = {**os.environ, "PULUMI_BACKEND_URL": shared.as_uri()}
    for rights, wanted in ((0o770, "0o660"), (0o755, "0o600")):
        shared.chmod(rights)
        process.run([sys.executable, "-c", f"open('{shared}/{rights}', 'w')"], given, house.layout)
        assert oct(mode(shared / str(rights))) == wanted


def test_the_newest_logs_of_the_engine_are_kept_and_the_others_removed(house):
    logs = house.layout.pulumi_home / "logs"
    logs.mkdir(parents=True)
    now = time.time()
    for age in range(25):
        file = logs / f"house+dev-{age:02}.log"
        file.write_text("log")
        os.utime(file, (now - age, now - age))
    (logs / "notes.txt").write_text("of the user")
    assert main.main_in(house.layout, ["preview", "dev"]) == 0
    assert sorted(file.name for file in logs.iterdir()) == [
        *(f"house+dev-{age:02}.log" for age in range(private.KEPT_LOGS)),
        "notes.txt",
    ]


def test_the_config_of_a_run_is_in_a_closed_folder(house):
    house.exists("dev")
    assert main.main_in(house.layout, ["preview", "dev"]) == 0
    [call] = house.calls
    assert Path(call["arguments"][4]).is_relative_to(house.layout.home / "runs")
    assert json.dumps(call).count("SEKRET") == 0
