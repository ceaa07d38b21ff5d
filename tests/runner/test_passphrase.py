"""The passphrase reaches the engine, and no environment, no file and no other process."""

import json
import os
import subprocess
import sys

import pytest

from runner import main, parts, passphrase, process
from runner.errors import UsageError

PHRASE = "PASSPHRASE-KNOWN-7731"
# Reads the passphrase as the engine does, several times, and what a child of it gets.
ENGINE = """
import json, os, subprocess, sys
name = "PULUMI_CONFIG_PASSPHRASE_FILE"
read = lambda: open(os.environ[name]).read()
theft = "import os; print(open(os.environ['PULUMI_CONFIG_PASSPHRASE_FILE']).read(), end='')"
stolen = lambda: subprocess.run([sys.executable, "-c", theft], capture_output=True, text=True).stdout
made = {"reads": [read(), read()], "stolen": stolen(), "again": read(), "environment": dict(os.environ)}
with open(sys.argv[1], "w") as file:
    json.dump(made, file)
"""


@pytest.fixture
def asked(house, tmp_path):
    """Runs a program that reads the passphrase; what it and its child got."""

    def run(how=process.run, **environment):
        file = tmp_path / "made"
        how([house.layout.bin / "pulumi", "-c", ENGINE, file], {**os.environ, **environment}, house.layout)
        return json.loads(file.read_text())

    # A copy of the interpreter stands in for the engine: the program that was started is the engine's.
    (house.layout.bin / "pulumi").unlink()
    (house.layout.bin / "pulumi").symlink_to(sys.executable)
    return run


@pytest.mark.parametrize("how", [process.run, process.capture])
def test_the_engine_reads_it_as_often_as_it_likes_and_what_it_starts_reads_nothing(asked, how, capfd):
    made = asked(how, PULUMI_CONFIG_PASSPHRASE=PHRASE)
    assert made["reads"] == [PHRASE, PHRASE] and made["again"] == PHRASE
    assert made["stolen"] == ""
    assert PHRASE not in json.dumps(made["environment"])
    said = capfd.readouterr().err
    assert "asked for the passphrase and got none" in said and PHRASE not in said


def test_a_file_of_the_users_is_read_by_us_and_its_path_is_in_no_environment(asked, tmp_path):
    file = tmp_path / "its-passphrase"
    file.write_text(f"{PHRASE}\n")
    made = asked(PULUMI_CONFIG_PASSPHRASE_FILE=str(file))
    assert made["reads"] == [PHRASE, PHRASE]
    assert "its-passphrase" not in json.dumps(made["environment"])


def test_an_engine_that_a_command_of_ours_starts_reads_it_and_what_that_engine_starts_does_not(
    house, tmp_path, monkeypatch
):
    """As `drift` does: Python, the engine below it, and a plugin below that."""
    file = tmp_path / "made"
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", PHRASE)
    inner = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {ENGINE!r}, {str(file)!r}])"
    assert process.run([sys.executable, "-c", inner], dict(os.environ), house.layout) == 0
    made = json.loads(file.read_text())
    assert (made["reads"], made["stolen"]) == ([PHRASE, PHRASE], "")


def test_nothing_of_it_is_left_after_the_run(asked, house):
    asked(PULUMI_CONFIG_PASSPHRASE=PHRASE)
    assert list((house.layout.home / "runs").iterdir()) == []
    found = subprocess.run(["grep", "-rl", PHRASE, house.layout.home], capture_output=True, text=True)
    assert found.stdout == ""


def test_a_program_that_never_reads_it_ends_as_usual(house):
    given = {**os.environ, "PULUMI_CONFIG_PASSPHRASE": PHRASE}
    assert process.run([sys.executable, "-c", "raise SystemExit(7)"], given, house.layout) == 7


def test_an_empty_passphrase_is_one(asked):
    assert asked(PULUMI_CONFIG_PASSPHRASE="")["reads"] == ["", ""]


def test_one_that_a_file_can_not_carry_is_said(house, capfd):
    given = {**os.environ, "PULUMI_CONFIG_PASSPHRASE": " blank"}
    code = "import os; raise SystemExit(os.environ['PULUMI_CONFIG_PASSPHRASE'] != ' blank')"
    assert process.run([sys.executable, "-c", code], given, house.layout) == 0
    assert capfd.readouterr().err.startswith(
        "bedplate: PULUMI_CONFIG_PASSPHRASE starts or ends with a blank, and the engine strips blanks when it reads"
    )


def test_a_file_that_can_not_be_read_is_named(tmp_path):
    with pytest.raises(UsageError) as refused:
        passphrase.given({"PULUMI_CONFIG_PASSPHRASE_FILE": str(tmp_path / "gone")})
    assert str(refused.value) == (
        f"PULUMI_CONFIG_PASSPHRASE_FILE names {tmp_path}/gone, which can't be read: No such file or directory; "
        "write the passphrase into that file, or name another"
    )


@pytest.mark.parametrize("command", [["test", "-q"], ["rehearse", "check"], ["schema"], ["boot", "dev", "x"]])
def test_a_command_that_needs_none_hands_none_on(house, monkeypatch, command):
    for name, text in (("PULUMI_CONFIG_PASSPHRASE", PHRASE), ("PULUMI_CONFIG_PASSPHRASE_FILE", "/its-passphrase")):
        monkeypatch.setenv(name, text)
    python = house.layout.venv / "bin" / "python"
    python.parent.mkdir(parents=True, exist_ok=True)
    python.write_text(f"#!{sys.executable}\nimport os\nprint(dict(os.environ), file=open('{house.root}/seen', 'a'))\n")
    python.chmod(0o755)
    main.main_in(house.layout, command)
    seen = (house.root / "seen").read_text()
    assert PHRASE not in seen and "its-passphrase" not in seen
    assert os.environ["PULUMI_CONFIG_PASSPHRASE"] == PHRASE


def test_parts_are_built_without_it(house, monkeypatch):
    seen = []
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", PHRASE)
    monkeypatch.setattr("toolchain.ensure", lambda *_: seen.append("PULUMI_CONFIG_PASSPHRASE" in os.environ) or {})
    assert parts.ensure({"plan"}, house.layout) == {}
    assert (seen, os.environ["PULUMI_CONFIG_PASSPHRASE"]) == ([False], PHRASE)
