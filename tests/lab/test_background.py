"""Rehearsals that run beside the tests."""

import time

import pytest

from lab.testing import background
from lab.testing.background import Rehearsals

# Stands in for `python -m lab`.
PRETENDER = """
import json, pathlib, sys, time
print("rehearsing", *sys.argv[1:], flush=True)
if "--hang" in sys.argv:
    time.sleep(600)
pathlib.Path(".toolchain/lab").mkdir(parents=True, exist_ok=True)
pathlib.Path(".toolchain/lab/dev.times.json").write_text(json.dumps({"facts": {"arguments": sys.argv[2:]}}))
sys.exit(3 if "--fail" in sys.argv else 0)
"""


@pytest.fixture
def beside(tmp_path):
    (tmp_path / "checkout" / "lab").mkdir(parents=True)
    (tmp_path / "checkout" / "lab" / "__main__.py").write_text(PRETENDER)
    rehearsals = []

    def make(**commands):
        rehearsals.append(Rehearsals(tmp_path, tmp_path / "checkout", "dev", commands))
        return rehearsals[-1]

    yield make
    for each in rehearsals:
        each.stop()


def test_rehearsals_run_in_their_order_and_each_has_its_own_outcome(beside):
    rehearsals = beside(whole=(), steps=("--steps", "--fail"))
    steps, whole = rehearsals.outcome("steps", seconds=60), rehearsals.outcome("whole", seconds=60)
    assert (whole.code, whole.output, whole.times) == (0, "rehearsing dev\n", {"facts": {"arguments": []}})
    assert (steps.code, steps.times["facts"]["arguments"]) == (3, ["--steps", "--fail"])


def test_a_rehearsal_that_hangs_is_reported_with_its_last_lines_and_ended_with_the_session(beside, monkeypatch):
    rehearsals = beside(whole=("--hang",), steps=())
    rehearsals.start()
    while not (rehearsals.folder / "whole").exists() or not (rehearsals.folder / "whole").read_text():
        time.sleep(0.05)
    monkeypatch.setattr(background.speed, "deadline", lambda seconds: seconds)
    with pytest.raises(RuntimeError, match="'whole' has not ended: rehearsing dev --hang"):
        rehearsals.outcome("whole", seconds=0.1)
    monkeypatch.undo()
    rehearsals.stop()
    assert rehearsals.outcome("whole", seconds=5).code != 0
    assert rehearsals.outcome("steps", seconds=5).output == "the session ended before it began"


def test_tests_that_wait_for_a_rehearsal_come_last(request):
    names = [item.path.name for item in request.session.items]
    waiting = [name in ("test_rehearsal.py", "test_steps.py", "test_stop.py") for name in names]
    lab = [bool(item.get_closest_marker("lab")) for item in request.session.items]
    late = [both for both in zip(waiting, lab, strict=True) if both == (True, True)]
    assert not late or late == list(zip(waiting, lab, strict=True))[-len(late) :]
