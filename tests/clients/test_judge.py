"""The judge as a process: what a plan reports where it can't be asked, or does not answer as it should."""

import stat
import time

import pytest
from conftest import stack_platform

from clients import judge
from core.model import parse

# Each answers no question in the judge's form.
SCRIPTS = {
    "ends at once": ("exit 0", "ended before it answered"),
    "ends with a fault": ("echo panic >&2; exit 2", "ended before it answered"),
    "says its version": ("echo config-judge v1", "answers something else than config-judge does"),
    "repeats the question": ("exec cat", "answers something else than config-judge does"),
    "answers once and reads no more": ("echo '{}'; exec sleep 60", "answers something else than config-judge does"),
    "answers with a list": ("echo '[]'; exec cat", "answers something else than config-judge does"),
    "never answers": ("exec sleep 60", "did not answer within 0.2 s"),
}


def program(folder, text):
    """An executable file with this shell script."""
    made = folder / "some-judge"
    made.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    made.chmod(made.stat().st_mode | stat.S_IXUSR)
    return made


@pytest.mark.parametrize("case", SCRIPTS)
def test_a_judge_that_does_not_answer_is_reported_by_its_name_and_why(case, tmp_path, monkeypatch):
    script, why = SCRIPTS[case]
    if "within" in why:
        monkeypatch.setattr(judge, "SECONDS", 0.2)
    start = time.monotonic()
    with pytest.raises(judge.JudgeError) as refused:
        judge.refusals(parse(stack_platform("prod")), {judge.VARIABLE: str(program(tmp_path, script))})
    assert str(refused.value) == f"some-judge {why}"
    assert time.monotonic() - start < 30


def test_a_file_that_is_no_program_is_reported(tmp_path):
    made = program(tmp_path, "exit 0")
    made.chmod(0o600)
    with pytest.raises(judge.JudgeError, match="some-judge can't be started"):
        judge.refusals(parse(stack_platform("dev")), {judge.VARIABLE: str(made)})


@pytest.mark.parametrize("variables", [{}, {judge.VARIABLE: ""}, {judge.VARIABLE: "/nowhere/config-judge"}])
def test_without_a_judge_nothing_is_asked(variables):
    assert judge.refusals(parse(stack_platform("dev")), variables) is None


def test_a_judge_that_accepts_every_config_refuses_nothing(tmp_path):
    accepts = program(tmp_path, """while read -r question; do echo '{"error": ""}'; done""")
    assert judge.refusals(parse(stack_platform("prod")), {judge.VARIABLE: str(accepts)}) == []
