"""How each command calls the engine, and that no run changes the checkout."""

import importlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runner import main, process
from runner.errors import UsageError
from runner.parser import parse


def run(house, *arguments: str) -> int:
    return main.main_in(house.layout, list(arguments))


def snapshot(root: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in root.glob("*.yaml")}


@pytest.mark.parametrize("verb", ["preview", "up"])
def test_a_plan_is_judged_by_the_policy_pack_and_passes_options_on(house, verb):
    house.exists("dev")
    assert run(house, verb, "dev", "--diff", "--yes") == 0
    [call] = house.calls
    config = call["arguments"][4]
    assert call["arguments"] == [
        verb,
        "--stack",
        "dev",
        "--config-file",
        config,
        "--policy-pack",
        "policy",
        "--diff",
        "--yes",
    ]
    assert call["folder"] == str(house.root)


@pytest.mark.parametrize("verb", ["refresh", "destroy"])
def test_other_operations_have_no_policy_pack_and_create_no_stack(house, verb):
    assert run(house, verb, "dev") == 0
    [call] = house.calls
    assert call["arguments"][:4] == [verb, "--stack", "dev", "--config-file"]
    assert "--policy-pack" not in call["arguments"]


def test_an_executable_pack_is_preferred(house):
    (house.root / "policy").mkdir()
    (house.root / "policy" / "pack").write_text("")
    house.exists("dev")
    run(house, "preview", "dev")
    assert house.calls[0]["arguments"][-2:] == ["--policy-pack", "policy/pack"]


@pytest.mark.parametrize(("chosen", "given"), [("other/pack", ["--policy-pack", "other/pack"]), ("", [])])
def test_the_policy_pack_can_be_chosen_or_left_out(house, monkeypatch, chosen, given):
    monkeypatch.setenv("BEDPLATE_POLICY_PACK", chosen)
    house.exists("dev")
    run(house, "preview", "dev")
    assert house.calls[0]["arguments"][5:] == given


def test_the_engine_reads_a_copy_of_the_stack_file_and_may_write_into_it(house):
    before = snapshot(house.root)
    house.exists("dev")
    house.plan(salts=True)
    run(house, "preview", "dev")
    assert house.calls[0]["config"] == before["Pulumi.dev.yaml"]
    assert snapshot(house.root) == before
    assert list((house.layout.home / "runs").iterdir()) == []


def test_a_stack_is_created_on_first_use_from_a_folder_of_its_own(house):
    assert run(house, "preview", "dev") == 0
    create, preview = house.calls
    assert create["arguments"] == ["stack", "init", "--no-select", "--non-interactive", "dev"]
    assert create["folder"] != str(house.root)
    assert create["beside"] == ["Pulumi.dev.yaml", "Pulumi.yaml"]
    assert preview["arguments"][0] == "preview"


def test_an_existing_stack_is_not_created(house, tmp_path, monkeypatch):
    monkeypatch.setenv("PULUMI_BACKEND_URL", (tmp_path / "states").as_uri())
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "x")
    house.exists("prod", tmp_path / "states")
    run(house, "preview", "prod")
    assert [call["arguments"][0] for call in house.calls] == ["preview"]


def test_in_a_remote_backend_a_stack_is_created_when_the_engine_reports_it_missing(house, monkeypatch):
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://states")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "x")
    house.plan(preview=[6, 0])
    assert run(house, "preview", "prod") == 0
    assert [call["arguments"][0] for call in house.calls] == ["preview", "stack", "preview"]


def test_a_stack_that_another_run_has_just_created_is_used(house):
    house.plan(stack_init=[1], says="error: stack 'dev' already exists")
    assert run(house, "preview", "dev") == 0


def test_a_stack_that_can_not_be_created_is_reported_with_the_engines_error(house, capsys):
    house.plan(stack_init=[255], says="error: no space left")
    assert main.main_in(house.layout, ["preview", "dev"]) == 2
    assert capsys.readouterr().err == "bedplate: stack dev could not be created: error: no space left\n"


def test_the_exit_code_is_the_engines(house):
    house.exists("dev")
    house.plan(preview=[7])
    assert run(house, "preview", "dev") == 7


def test_the_passphrase_is_on_no_command_line(house):
    run(house, "preview", "dev")
    secret = (house.layout.home / "dev.passphrase").read_text()
    assert not [call for call in house.calls if secret in " ".join(call["arguments"])]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["preview"],
            "preview: the following arguments are required: STACK; write: ./bedplate preview STACK [OPTION...]; "
            "there are: dev, prod\n",
        ),
        (
            ["up", "--yes"],
            "up: the following arguments are required: STACK; write: ./bedplate up STACK [OPTION...]; "
            "there are: dev, prod\n",
        ),
        (["preview", "stage"], "there is no stack 'stage' (no file Pulumi.stage.yaml); there are: dev, prod"),
        (
            ["setup", "--everything"],
            "setup: unrecognized arguments: --everything; "
            "write: ./bedplate setup [--all] [--write-manifests] [PART...]\n",
        ),
        (
            ["changes", "dev", "--jso"],
            "changes: unrecognized arguments: --jso; write: ./bedplate changes STACK [--json]",
        ),
        (["doctor", "dev"], "doctor: unrecognized arguments: dev; write: ./bedplate doctor\n"),
        (["plan", "dev"], "there is no command 'plan'; there are: setup, preview, "),
    ],
)
def test_a_wrong_call_is_refused_in_one_line_with_exit_code_2(house, capsys, arguments, message):
    assert main.main_in(house.layout, arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"bedplate: {message}")
    assert error.count("\n") == 1
    assert house.calls == []


def test_the_engine_itself_runs_in_the_environment_of_dev(house):
    assert run(house, "pulumi", "stack", "output") == 0
    [call] = house.calls
    assert call["arguments"] == ["stack", "output"]
    assert call["environment"]["PULUMI_STACK"] == "dev"
    assert call["environment"]["PULUMI_BACKEND_URL"] == f"file://{house.layout.home}/state?metadata=skip"


@pytest.mark.parametrize("option", [["--stack", "prod"], ["-s", "prod"], ["--stack=prod"]])
def test_pulumi_with_another_stack_needs_its_variables(house, capsys, option):
    assert main.main_in(house.layout, ["pulumi", "stack", "output", *option]) == 2
    assert capsys.readouterr().err.startswith("bedplate: stack prod needs 2 things from the environment:\n")


def test_a_login_does_not_use_the_local_state(house):
    run(house, "pulumi", "login", "s3://states")
    assert "PULUMI_BACKEND_URL" not in house.calls[0]["environment"]


def test_the_tests_run_in_the_environment_with_the_engine_on_path_and_no_stacks_state(house):
    python = house.layout.venv / "bin" / "python"
    python.parent.mkdir(parents=True, exist_ok=True)
    python.write_text((house.layout.bin / "pulumi").read_text())
    python.chmod(0o755)
    assert run(house, "test", "-k", "one") == 0
    import json

    call = json.loads((python.parent / "calls").read_text())
    assert call["arguments"] == ["-m", "pytest", "-k", "one"]
    assert call["environment"]["PATH"].startswith(f"{house.layout.bin}{os.pathsep}")
    assert "PULUMI_BACKEND_URL" not in call["environment"]


def test_the_engine_handles_ctrl_c(house):
    script = (
        "import pathlib, sys; from runner import process; from toolchain import Layout\n"
        "code = 'import signal, time\\nsignal.signal(signal.SIGINT, lambda *_: exit(42))\\n"
        "print(1, flush=True)\\ntime.sleep(30)'\n"
        "sys.exit(process.run([sys.executable, '-c', code], {}, Layout.of(pathlib.Path(sys.argv[1]))))"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(house.root)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert child.stdout.readline() == b"1\n"
    time.sleep(0.2)
    os.killpg(child.pid, signal.SIGINT)
    errors = child.communicate(timeout=20)[1]
    assert child.returncode == 42
    assert errors == b""


def test_the_exit_code_of_a_killed_engine_is_128_plus_the_signal(house):
    command = [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]
    assert process.run(command, dict(os.environ), house.layout) == 137


def test_the_usage_names_every_command(capsys):
    assert main.main([]) == 0
    output = capsys.readouterr().out
    assert all(f"  {name}" in output for name in main.COMMANDS)


def test_destroy_leaves_out_protected_resources(house):
    """Otherwise the engine would refuse the whole destroy, because the PKI is protected."""
    run(house, "destroy", "dev", "--yes")
    run(house, "destroy", "dev", "--exclude-protected=false")
    assert [call["arguments"][-1] for call in house.calls] == ["--exclude-protected", "--exclude-protected=false"]


def test_a_stack_file_beyond_linuxs_limit_is_reported_with_the_remedy(house, capsys):
    """The engine's own error is only: argument list too long."""
    house.exists("dev")
    (house.root / "Pulumi.dev.yaml").write_text("config: {}\n" + "# more\n" * 20000)
    run(house, "preview", "dev")
    assert capsys.readouterr().err == (
        "bedplate: Pulumi.dev.yaml has 136 KiB. The program gets its config in one environment variable, and Linux "
        "limits that to 128 KiB ('argument list too long'). Move machines:, vms: or workloads: to files of their own, "
        "and name those under include:.\n"
    )


def every_command():
    """Names and rows of the table, with those of a word such as `rehearse stop`."""
    for name, command in main.COMMANDS.items():
        yield name, command
        yield from ((f"{name} {word}", inner) for word, inner in command.words.items())


@pytest.mark.parametrize(("name", "command"), list(every_command()))
def test_every_command_has_help_with_its_usage_and_an_example(house, capsys, name, command):
    for option in ("--help", "-h"):
        assert main.main_in(house.layout, [*name.split(), option]) == 0
        output = capsys.readouterr().out
        assert output.startswith(f"usage: ./bedplate {name} {command.usage}".rstrip() + "\n")
        assert f"\nexample: ./bedplate {name}" in output
    assert house.calls == []


@pytest.mark.parametrize(("name", "command"), list(every_command()))
def test_the_example_of_a_command_is_one_that_the_parser_takes(house, name, command):
    parsed, given = parse(command.example.split(), house.layout)
    assert parsed is command
    assert given.command == name


@pytest.mark.parametrize(("name", "command"), list(every_command()))
def test_every_command_has_a_function(name, command):
    module, function = command.handler.split(":")
    assert callable(getattr(importlib.import_module(f"runner.{module}"), function))


def test_help_after_a_stack_is_the_engines(house):
    house.exists("dev")
    assert run(house, "preview", "dev", "--help") == 0
    assert house.calls[0]["arguments"][-1] == "--help"


@pytest.mark.parametrize("option", ["--version", "-h2", "stack"])
def test_the_engine_itself_gets_every_argument(house, option):
    assert run(house, "pulumi", option, "--help") == 0
    assert house.calls[0]["arguments"] == [option, "--help"]


def test_what_a_program_says_writes_nothing_to_the_terminal(house, monkeypatch, capsys):
    """An attack: a program's error that clears the screen, sets its title and hides a part of its text."""

    def refuse(given, layout):
        raise UsageError(
            "snapshot: no control plane provided one\n  10.0.0.1: \x1b[2J\x1b]0;pwned\x07\r\u202e\u2028; look"
        )

    monkeypatch.setattr(importlib.import_module("runner.doctor"), "doctor", refuse)
    assert run(house, "doctor") == 2
    assert capsys.readouterr().err == (
        "bedplate: snapshot: no control plane provided one\n"
        "  10.0.0.1: \\u001b[2J\\u001b]0;pwned\\u0007\\u000d\\u202e\\u2028; look\n"
    )
