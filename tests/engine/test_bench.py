"""The bench runs: one round of it, over the smallest platform."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.engine


def test_one_round_reports_each_program_and_their_ratios(tmp_path):
    command = [sys.executable, "tests/bench/plan.py", "1", "--sizes", "4x1", "--against", str(ROOT)]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    ratios = ("the program to the same resources raw", "the program to the other checkout", "with Talos' validation to")
    for line in (f"4x1: {each}" for each in ratios):
        assert [each for each in done.stdout.splitlines() if each.startswith(line)], done.stdout
