"""A review comes near no credential, and a redaction hands none on."""

import json
import os
import sys

import pytest

from runner import main, review

SECRETS = {
    "PULUMI_BACKEND_URL": "s3://states",
    "SSH_AUTH_SOCK": "/agent",
    "GITHUB_TOKEN": "SEKRET-TOKEN",
    "HOME": "/home/of-the-user",
    "MY_PASSWORD": "SEKRET-PASSWORD",
}


@pytest.fixture
def python(house):
    """A Python of the toolchain that only writes down how it was called."""
    program = house.layout.venv / "bin" / "python"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(
        f"#!{sys.executable}\nimport json, os, sys\n"
        f"call = [sys.argv[1:], dict(os.environ), sys.stdin.read() if 'redact' in sys.argv[2] else '']\n"
        f"print(json.dumps(call), file=open('{house.root}/called', 'w'))\n"
    )
    program.chmod(0o755)
    return lambda: json.loads((house.root / "called").read_text())


@pytest.mark.parametrize("name", review.CREDENTIALS)
def test_a_review_refuses_to_run_beside_a_credential(house, python, monkeypatch, capsys, name):
    monkeypatch.setenv(name, "SEKRET")
    assert main.main_in(house.layout, ["review", "dev"]) == 2
    assert capsys.readouterr().err == (
        f"bedplate: review: the environment has {name}: code or files of a pull request are used here, and a pull "
        "request must not come near a credential; remove it from this job's environment\n"
    )
    assert not (house.root / "called").exists()


def test_what_a_review_starts_has_an_environment_of_a_few_variables(house, python, monkeypatch, tmp_path):
    for name in review.CREDENTIALS:
        monkeypatch.delenv(name, raising=False)
    for name, text in SECRETS.items():
        monkeypatch.setenv(name, text)
    state = tmp_path / "state.json"
    assert main.main_in(house.layout, ["review", "dev", "--from", str(tmp_path), "--state", str(state), "--diff"]) == 0
    arguments, environment, _ = python()
    assert arguments[:3] == ["-m", "operations.review", "dev"]
    assert arguments[5:] == ["--from", str(tmp_path), "--state", str(state), "--diff"]
    assert set(environment) - {"LC_CTYPE", "__CF_USER_TEXT_ENCODING"} <= {*review.KEPT, "TMPDIR", "HOME"}
    assert not set(SECRETS.values()) & set(environment.values())
    assert environment["HOME"].startswith(str(house.layout.home / "runs"))
    assert list((house.layout.home / "runs").iterdir()) == []


def test_a_checkout_that_is_none_is_refused(house, python, capsys):
    assert main.main_in(house.layout, ["review", "dev", "--from", "gone"]) == 2
    assert "review: --from: " in capsys.readouterr().err


def test_a_review_takes_no_option_of_the_engine(house, python, capsys):
    """Such as a policy pack or a config file of the pull request's choice."""
    assert main.main_in(house.layout, ["review", "dev", "--policy-pack", "x"]) == 2
    assert "unrecognized arguments: --policy-pack x" in capsys.readouterr().err


def test_a_redaction_gets_the_state_and_no_credential(house, python, monkeypatch, tmp_path):
    for name, text in SECRETS.items():
        monkeypatch.setenv(name, text)
    monkeypatch.setenv("PULUMI_BACKEND_URL", tmp_path.as_uri())
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "SEKRET-PASSPHRASE")
    house.plan(prints=json.dumps({"deployment": {}}))
    assert main.main_in(house.layout, ["redact", "prod", "state.json"]) == 0
    arguments, environment, given = python()
    assert arguments[:3] == ["-m", "operations.review.redact", "prod"]
    assert arguments[-1] == f"{os.getcwd()}/state.json"
    assert json.loads(given) == {"state": {"deployment": {}}, "plan": {"deployment": {}}}
    assert "SEKRET" not in json.dumps(environment) and tmp_path.as_uri() not in environment.values()
    export, plan = house.calls
    assert export["arguments"] == ["stack", "export", "--stack", "prod", "--show-secrets", "--non-interactive"]
    assert plan["arguments"][:5] == ["preview", "--stack", "prod", "--json", "--show-sames"]


def test_a_state_that_can_not_be_exported_is_reported_in_the_engines_words(house, python, capsys):
    house.plan(stack_export=[255], says="error: no stack named 'dev' found")
    assert main.main_in(house.layout, ["redact", "dev", "state.json"]) == 2
    assert capsys.readouterr().err == "bedplate: redact: the engine failed: error: no stack named 'dev' found\n"


def test_a_plan_that_fails_is_reported_by_its_errors_alone(house, python, capsys):
    """The engine prints a failed plan in JSON with the whole config and every step in it."""
    error = {"severity": "error", "message": "bedplate:bmc.hosts: is missing\n"}
    plan = {"config": {"bedplate:platform": "{}"}, "steps": [], "diagnostics": [error, {**error, "severity": "info"}]}
    house.plan(preview=[255], prints=json.dumps(plan))
    assert main.main_in(house.layout, ["redact", "dev", "state.json"]) == 2
    assert capsys.readouterr().err == "bedplate: redact: the engine failed: bedplate:bmc.hosts: is missing\n"
