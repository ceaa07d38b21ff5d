"""Small commands load little: counted in modules, because seconds depend on the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Each takes a tenth of a second or more, and none is needed before a machine or the engine is talked to.
HEAVY = ("pulumi", "grpc", "google.protobuf", "grpclib", "cryptography", "requests", "jsonschema", "asyncio")


def loaded(code: str, *arguments: str, **environment: str) -> set[str]:
    """Modules that a program has loaded when it ends."""
    program = f"import sys\ntry:\n    {code}\nfinally:\n    print(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return set(done.stderr.splitlines()[-1].split())


def heavy(modules: set[str]) -> set[str]:
    """Names of the heavy packages among modules."""
    return {name for name in HEAVY if name in modules}


def test_the_model_loads_no_client_and_no_engine() -> None:
    assert not heavy(loaded("import core.model"))


def test_changes_load_no_client_and_no_engine(tmp_path: Path) -> None:
    engine = tmp_path / "pulumi"
    engine.write_text("#!/bin/sh\necho '{\"deployment\": {}}'\n")
    engine.chmod(0o755)
    code = "from operations.drift import changes; changes.main(sys.argv[1:])"
    modules = loaded(code, "dev", "--file", "Pulumi.dev.yaml", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert "operations.drift.changes" in modules
    assert not heavy(modules)


def test_the_schema_loads_no_client_and_no_engine(tmp_path: Path) -> None:
    modules = loaded("from operations import schema; schema.main(sys.argv[1:])", str(tmp_path / "schema.json"))
    assert (tmp_path / "schema.json").exists()
    assert not heavy(modules)


@pytest.mark.parametrize("arguments", [["--help"], ["access"], ["preview", "--help"]])
def test_the_command_line_loads_no_part_of_the_program(arguments: list[str]) -> None:
    modules = loaded("from runner.main import main; main(sys.argv[1:])", *arguments)
    assert "runner.parser" in modules
    assert not modules & {"operations", "yaml", "pydantic", "urllib.request", "tarfile", "toolchain.setup"}
    assert {name for name in modules if name.startswith("core.")} <= {"core.printable"}


def test_parts_that_are_there_load_nothing_that_builds(tmp_path: Path) -> None:
    (tmp_path / "toolchain").mkdir()
    (tmp_path / "toolchain/lock.toml").write_text("[sets]\nplan = []\n")
    code = (
        "import pathlib; from toolchain import Layout, ensure; ensure({'plan'}, Layout.of(pathlib.Path(sys.argv[1])))"
    )
    modules = loaded(code, str(tmp_path))
    assert "toolchain.ready" in modules
    assert not modules & {"toolchain.setup", "toolchain.release", "urllib.request", "tarfile", "concurrent.futures"}
