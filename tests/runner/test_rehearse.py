"""The command lines of `rehearse` and `bench`: read by the parser of all commands, refused before anything is built."""

import json
from pathlib import Path

import pytest

from lab.phases import BEFORE, PHASES
from runner import main
from runner.rehearsals import PHASES as TYPED

REHEARSE = (
    "./bedplate rehearse STACK [--keep] [--without-vms] [--without-cilium] "
    "[--only PHASE... | --kills N [--each N] [--seed N] | --steps]"
)
BENCH = "./bedplate bench [ROUNDS] [--sizes SIZE,...] [--against CHECKOUT] [--policies]"


@pytest.fixture
def python_calls(house):
    """Replaces the checkout's Python by a program that records its calls; returns a function that reads them."""
    program = house.layout.venv / "bin" / "python"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text((house.layout.bin / "pulumi").read_text())
    program.chmod(0o755)
    file = program.parent / "calls"
    return lambda: [json.loads(line)["arguments"] for line in file.read_text().splitlines()] if file.exists() else []


def test_the_phases_of_the_command_line_are_those_of_the_lab():
    assert tuple(phase.name for phase in (*BEFORE, *PHASES)) == TYPED


@pytest.mark.parametrize(
    "arguments",
    [
        ["dev"],
        ["dev", "--keep"],
        ["prod", "--only", "a change", "--only", "a restore", "--keep"],
        ["dev", "--kills", "20", "--each", "5", "--seed", "11"],
        ["dev", "--steps"],
        ["stop"],
        ["stop", "removed"],
        ["check"],
        ["fidelity"],
    ],
)
def test_a_rehearsal_gets_its_arguments_as_typed(house, python_calls, arguments):
    assert main.main_in(house.layout, ["rehearse", *arguments]) == 0
    assert python_calls() == [["-m", "lab", *arguments]]


def test_a_bench_gets_every_option_and_a_path_from_where_it_was_typed(house, python_calls, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("other").mkdir()
    Path("other/__main__.py").touch()
    arguments = ["bench", "2", "--sizes", "dev,10x0", "--against", "other", "--policies"]
    assert main.main_in(house.layout, arguments) == 0
    options = ["--sizes", "dev,10x0", "--against", str(tmp_path / "other"), "--policies"]
    assert python_calls() == [["tests/bench/plan.py", "2", *options]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            "rehearse",
            f"rehearse: the following arguments are required: STACK; write: {REHEARSE}; there are: dev, prod",
        ),
        (
            "rehearse nope",
            "rehearse: there is no stack 'nope' (no file Pulumi.nope.yaml); there are: dev, prod; "
            "instead of a stack, rehearse takes: stop, check, fidelity",
        ),
        ("rehearse dev --kep", f"rehearse: unrecognized arguments: --kep; write: {REHEARSE}; there are: dev, prod"),
        (
            "rehearse dev --kills 0",
            "rehearse: argument --kills: expected a whole number from 1, got '0'; "
            f"write: {REHEARSE}; there are: dev, prod",
        ),
        (
            "rehearse dev --steps --kills 2",
            f"rehearse: argument --kills: not allowed with argument --steps; write: {REHEARSE}; there are: dev, prod",
        ),
        (
            "rehearse dev --steps --keep",
            "rehearse: --keep with --steps: the lab is always removed after --steps, because its last state proves "
            "nothing more; leave out one of them",
        ),
        (
            "rehearse stop dev prod",
            "rehearse stop: unrecognized arguments: prod; write: ./bedplate rehearse stop [STACK]; "
            "there are: dev, prod",
        ),
        ("rehearse check all", "rehearse check: unrecognized arguments: all; write: ./bedplate rehearse check"),
        ("bench --nope", f"bench: unrecognized arguments: --nope; write: {BENCH}"),
        ("bench x", f"bench: argument ROUNDS: expected a whole number from 1, got 'x'; write: {BENCH}"),
        (
            "bench --sizes dev,0x5",
            "bench: --sizes: '0x5' is no size; write a stack (there are: dev, prod) or MACHINESxVMS such as 10x100, "
            "with commas between several",
        ),
        (
            "bench --against Pulumi.yaml",
            "bench: --against: Pulumi.yaml has no __main__.py, so it is no checkout; write the folder of one",
        ),
    ],
)
def test_a_wrong_call_is_refused_before_any_part_is_built(house, python_calls, capsys, monkeypatch, arguments, message):
    def build(names, layout):
        raise AssertionError(f"{names} would be built")

    for module in ("runner.rehearse.ensure", "runner.bench.ensure"):
        monkeypatch.setattr(module, build)
    monkeypatch.chdir(house.root)
    assert main.main_in(house.layout, arguments.split()) == 2
    assert capsys.readouterr().err == f"bedplate: {message}\n"
    assert python_calls() == []


@pytest.mark.parametrize("phase", ["nothing", "", "A change"])
def test_a_phase_that_does_not_exist_is_refused_with_the_names_of_those_that_do(house, capsys, phase):
    assert main.main_in(house.layout, ["rehearse", "dev", "--only", phase]) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert all(name in line for name in TYPED)
