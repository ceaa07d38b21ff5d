"""`./bedplate test`: the quick tests need only the Python environment, and run while the other parts are set up."""

import pytest

from runner import main, testing
from tests import timing
from tests.conftest import ROOT
from tests.timing import TIERS

SETUP = """
import pathlib, sys, time
here = pathlib.Path(__file__).parent
while not (here / "quick-began").exists():
    time.sleep(0.02)
with open(here / "setups", "a") as file:
    print(*sys.argv[1:], file=file)
print("[1/1] alpha: build, 1 s", flush=True)
sys.exit({code})
"""
PYTHON = """#!/bin/sh
touch {root}/quick-began
echo "$@" >> {root}/pytests
echo "$BEDPLATE_TEST_EXAMPLES" >> {root}/examples
[ -z "$BEDPLATE_TEST_NOTES" ] || echo "failed: run $(wc -l < {root}/pytests)" > "$BEDPLATE_TEST_NOTES"
case "$*" in *"-m not"*) exit {quick} ;; *) exit {slow} ;; esac
"""


@pytest.fixture
def checkout(house, monkeypatch):
    """A checkout whose Python and setup only record their calls; yields the requested parts, in order."""
    requested = []
    monkeypatch.setattr(testing, "ensure", lambda names, layout: requested.append(set(names)) or {})
    monkeypatch.setattr(testing.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(testing, "absent", lambda names, layout: [*names])

    def write(setup=0, quick=0, slow=0):
        (house.root / "bedplate").write_text(SETUP.format(code=setup))
        python = house.layout.venv / "bin" / "python"
        python.parent.mkdir(parents=True, exist_ok=True)
        python.write_text(PYTHON.format(root=house.root, quick=quick, slow=slow))
        python.chmod(0o755)

    write()
    return house, requested, write


def lines(house, name):
    file = house.root / name
    return file.read_text().splitlines() if file.exists() else []


def test_quick_tests_need_only_the_python_environment_and_two_workers_per_core(checkout, monkeypatch):
    house, requested, _ = checkout
    monkeypatch.setattr(testing.os, "sched_getaffinity", lambda process: {0, 1, 2})
    assert main.main_in(house.layout, ["test", "--quick", "-x"]) == 0
    assert requested == [{"python"}]
    assert lines(house, "pytests") == [
        "-m pytest -m not (programs or engine or machines or lab) -n 6 --dist loadfile --no-loadscope-reorder -x"
    ]
    assert lines(house, "setups") == []
    assert lines(house, "examples") == ["quick"]


def test_named_tests_run_once_with_every_part(checkout):
    house, requested, _ = checkout
    assert main.main_in(house.layout, ["test", "tests/model", "-q"]) == 0
    assert requested == [{"test"}]
    assert lines(house, "pytests") == ["-m pytest tests/model -q"]


def test_parts_are_set_up_while_the_quick_tests_run(checkout, capfd):
    """The setup waits until pytest has begun, so this test would hang if one ran after the other."""
    house, requested, _ = checkout
    assert main.main_in(house.layout, ["test"]) == 0
    assert requested == [{"python"}]
    assert lines(house, "setups") == ["setup test"]
    quick, slow = lines(house, "pytests")
    assert lines(house, "examples") == ["", ""], "the whole suite draws every example"
    assert quick.startswith("-m pytest -m not (") and slow == "-m pytest -m programs or engine or machines or lab"
    assert "[1/1] alpha: build, 1 s" in capfd.readouterr().err


def test_what_virtual_machines_need_is_built_by_all_alone_and_what_is_left_out_is_counted(checkout, monkeypatch, capfd):
    house, _, _ = checkout
    assert main.main_in(house.layout, ["test"]) == 0
    said = capfd.readouterr().err
    assert "bedplate: 4 phases of rehearsals were left out, because KubeVirt is not built here" in said
    assert "bedplate: 2 phases of rehearsals were left out, because Cilium is not built here" in said
    monkeypatch.setattr(testing, "absent", lambda names, layout: [])
    assert main.main_in(house.layout, ["test", "--all"]) == 0
    assert "left out" not in capfd.readouterr().err
    assert lines(house, "setups") == ["setup test", "setup test virtualization vm-storage shared-storage network"]


@pytest.mark.parametrize(("quick", "slow", "code"), [(1, 0, 1), (0, 1, 1), (2, 1, 2), (0, 0, 0)])
def test_the_exit_code_is_that_of_the_first_part_that_failed(checkout, quick, slow, code):
    house, _, write = checkout
    write(quick=quick, slow=slow)
    assert main.main_in(house.layout, ["test"]) == code
    assert len(lines(house, "pytests")) == 2


def test_the_last_lines_say_which_part_failed_and_why(checkout, capfd):
    """Of a long log, its end is read; the first part ended far above it."""
    house, _, write = checkout
    write(quick=3)
    assert main.main_in(house.layout, ["test"]) == 3
    first, second, third = (line.removeprefix("bedplate: ") for line in capfd.readouterr().err.splitlines()[-3:])
    assert first.startswith("the quick tests failed after ")
    assert first.endswith(" s: an error of pytest itself, or of one of its plugins (exit code 3)")
    assert second == "  failed: run 1"
    assert third.startswith("the tests that run the engine, labs and virtual machines passed in ")


def test_if_setup_fails_the_quick_tests_have_run_and_the_reason_is_shown(checkout, capfd):
    house, _, write = checkout
    write(setup=1)
    assert main.main_in(house.layout, ["test"]) == 1
    assert len(lines(house, "pytests")) == 1
    assert "bedplate: the parts that the other tests need could not be set up" in capfd.readouterr().err


def test_the_labs_parts_are_set_up_while_the_engine_is_tested(checkout, monkeypatch):
    house, _, _ = checkout
    monkeypatch.setattr(testing.os, "geteuid", lambda: 0)
    (house.root / "bedplate").write_text(SETUP.format(code=0))
    assert main.main_in(house.layout, ["test"]) == 0
    assert lines(house, "setups")[0] == "setup test"
    assert len(lines(house, "pytests")) == 2


def test_a_failed_setup_of_the_labs_parts_is_reported_after_the_tests(checkout, monkeypatch, capfd):
    house, _, _ = checkout
    monkeypatch.setattr(testing.os, "geteuid", lambda: 0)
    # The first setup succeeds, and the setup of the lab's parts fails before the last test ends.
    code = "int((here / 'setups').read_text().count('setup') > 1)"
    (house.root / "bedplate").write_text(SETUP.format(code=code))
    python = house.layout.venv / "bin" / "python"
    python.write_text(python.read_text().replace("case", 'case "$*" in *"-m not"*) ;; *) sleep 1 ;; esac\ncase', 1))
    assert main.main_in(house.layout, ["test"]) == 0
    assert "the parts for labs and virtual machines could not be set up (progress: " in capfd.readouterr().err


def test_a_build_that_is_no_longer_needed_is_ended(house, tmp_path):
    (house.root / "bedplate").write_text("import time\ntime.sleep(600)\n")
    with testing.background(("lab",), house.layout) as build:
        assert build.process.poll() is None
    assert build.process.poll() is not None


@pytest.mark.parametrize("marker", ["programs", "engine", "machines", "lab"])
def test_every_marker_of_a_slow_test_is_left_out_of_the_quick_ones(marker):
    assert marker in testing.SLOW.split(" or ")


def test_the_tiers_are_the_markers():
    assert testing.SLOW.split(" or ") == list(TIERS)
    assert f"not ({testing.SLOW})" == testing.QUICK


def test_every_file_that_takes_longest_exists():
    assert [file for file in timing.LONGEST if not (ROOT / file).is_file()] == []
