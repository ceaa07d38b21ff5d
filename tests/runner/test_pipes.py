"""A command whose reader ends, such as `| head`, ends quietly."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from runner import main, pipes

ROOT = Path(__file__).parents[2]
MODULES = ("operations.adopt", "operations.drift", "operations.drift.changes", "lab")


def abandoned(command: list[str], both: bool = False, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a program whose standard output has no reader; with `both`, standard error has none either."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "", **environment},
            stdin=subprocess.DEVNULL,
            stdout=writer,
            stderr=writer if both else subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(writer)


@pytest.mark.parametrize("arguments", [["--help"], [], *([name, "--help"] for name in main.COMMANDS)])
def test_help_without_a_reader_ends_quietly(arguments):
    done = abandoned([sys.executable, "bedplate", *arguments])
    assert (done.returncode, done.stderr) == (pipes.READER_LEFT, b"")


def test_a_refusal_without_a_reader_ends_quietly():
    assert abandoned([sys.executable, "bedplate", "plan"], both=True).returncode in (2, pipes.READER_LEFT)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_without_a_reader_ends_quietly(module):
    done = abandoned([sys.executable, "-m", module, "--help"])
    assert (done.returncode, done.stderr) == (pipes.READER_LEFT, b"")


def test_the_schema_without_a_reader_ends_quietly():
    done = abandoned([sys.executable, "-m", "operations.schema"])
    assert (done.returncode, done.stderr) == (pipes.READER_LEFT, b"")


def test_boot_files_are_written_also_without_a_reader(tmp_path):
    done = abandoned([sys.executable, "-m", "operations.boot", "Pulumi.dev.yaml", str(tmp_path / "files")])
    assert done.returncode == pipes.READER_LEFT
    assert b"Traceback" not in done.stderr and b"BrokenPipe" not in done.stderr
    assert sorted(file.name for file in (tmp_path / "files").iterdir())


def test_changes_without_a_reader_end_quietly(tmp_path):
    engine = tmp_path / "pulumi"
    engine.write_text("#!/bin/sh\necho '{\"deployment\": {}}'\n")
    engine.chmod(0o755)
    command = [sys.executable, "-m", "operations.drift.changes", "dev", "--file", "Pulumi.dev.yaml"]
    done = abandoned(command, PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert (done.returncode, done.stderr) == (pipes.READER_LEFT, b"")


def test_the_check_for_a_rehearsal_without_a_reader_ends_quietly():
    done = abandoned([sys.executable, "-m", "lab", "check"])
    assert (done.returncode, done.stderr) == (pipes.READER_LEFT, b"")


@pytest.mark.parametrize("command", [["bedplate", "--help"], ["bedplate", "plan"], ["-m", "operations.schema"]])
def test_closed_streams_are_no_fault(command):
    shell = ["sh", "-c", 'exec "$0" "$@" >&- 2>&-', sys.executable, *command]
    done = subprocess.run(shell, cwd=ROOT, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == (2 if "plan" in command else 0)


@pytest.mark.parametrize("command", [["bedplate", "--help"], ["-m", "operations.schema"]])
def test_a_full_disk_is_one_line(command):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([sys.executable, *command], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (1, b"bedplate: the output can't be written: No space left on device\n")


def test_a_broken_network_connection_is_not_taken_for_a_reader_that_ended(capsys):
    def broken() -> int:
        ours, theirs = socket.socketpair()
        theirs.close()
        while True:
            ours.send(b"x" * 4096)

    with pytest.raises(BrokenPipeError):
        pipes.guarded(broken)


def test_a_program_whose_output_is_read_keeps_its_exit_code():
    assert pipes.guarded(lambda: 7) == 7
    done = subprocess.run([sys.executable, "bedplate", "plan"], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 2
