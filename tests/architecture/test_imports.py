"""Imports go one way: nobody imports upwards, no two modules import each other, and core loads alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.imports import FLOORS, ROOMS, Import, circles, imports, misdirected, modules, upwards

ROOT = Path(__file__).parents[2]

# Loads modules where Pulumi and gRPC are not installed, and no file may be written and no socket opened.
ALONE = """
import importlib, os, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split("_")[0].split(".")[0] in ("pulumi", "pulumiverse", "grpc", "grpclib"):
            raise ImportError(f"{name} is not installed here")

def watch(event, arguments):
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        raise PermissionError(f"{arguments[0]} is opened for writing")
    if event.startswith("socket."):
        raise PermissionError(f"{event} while loading")

sys.dont_write_bytecode = True
sys.meta_path.insert(0, Absent())
sys.path.insert(0, sys.argv[1])
sys.addaudithook(watch)
for name in sys.argv[2:]:
    importlib.import_module(name)
print(len(sys.argv[2:]), "modules")
"""


def alone(root: Path, *names: str) -> subprocess.CompletedProcess[str]:
    """Load modules in a process of their own."""
    command = [sys.executable, "-c", ALONE, str(root), *names]
    return subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def found() -> list[Import]:
    """Every import of the code that ships, read once."""
    return list(imports(ROOT))


def test_no_room_imports_what_it_may_not(found: list[Import]) -> None:
    assert len(found) > 1000
    faults = list(misdirected(found))
    assert not faults, "\n".join(faults)


def test_no_folder_of_core_imports_one_that_is_built_on_it(found: list[Import]) -> None:
    assert {".".join(each.importer.split(".")[:2]) for each in found} >= set(FLOORS)
    faults = list(upwards(found))
    assert not faults, "\n".join(faults)


def test_no_modules_import_each_other(found: list[Import]) -> None:
    assert circles(found) == []


def test_every_room_is_there() -> None:
    rooms = {name.split(".")[0] for name in modules(ROOT)}
    assert rooms == set(ROOMS)
    folders = {file.parent.name for file in ROOT.glob("*/__init__.py")}
    assert folders <= set(ROOMS), "a new room has no rule in imports.py"


def test_the_command_line_loads_where_no_package_is_installed() -> None:
    """`./bedplate` starts with the machine's own Python, before there is an environment."""
    names = [name for name in modules(ROOT) if name.split(".")[0] in ("runner", "toolchain")]
    code = "import importlib, sys; sys.path.insert(0, sys.argv[1]); [importlib.import_module(n) for n in sys.argv[2:]]"
    command = [sys.executable, "-I", "-S", "-B", "-c", code, str(ROOT), *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_core_loads_where_pulumi_is_not_installed_and_touches_nothing() -> None:
    names = [name for name in modules(ROOT) if name.split(".")[0] == "core"]
    done = alone(ROOT, *names)
    assert (done.returncode, done.stdout) == (0, f"{len(names)} modules\n"), done.stderr


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import pulumi\n", "pulumi is not installed here"),
        ("import grpc\n", "grpc is not installed here"),
        ("import pathlib\npathlib.Path('/tmp/never').write_text('x')\n", "is opened for writing"),
        ("import socket\nsocket.socket()\n", "while loading"),
    ],
)
def test_a_module_of_core_that_does_more_is_found(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "core").mkdir()
    (tmp_path / "core/room.py").write_text(text)
    done = alone(tmp_path, "core.room")
    assert done.returncode == 1 and reason in done.stderr


@pytest.mark.parametrize(
    ("file", "text", "finding"),
    [
        ("core/room.py", "import pulumi\n", "core.room:1 imports pulumi"),
        ("core/room.py", "def f():\n    from components import config\n", "core.room:2 imports components"),
        ("core/deep/room.py", "from clients.talos import Client\n", "core.deep.room:1 imports clients.talos"),
        ("policy/room.py", "import components.config\n", "policy.room:1 imports components.config"),
        ("provider/room.py", "from components import config\n", "provider.room:1 imports components"),
        ("components/room.py", "from provider import framework\n", "components.room:1 imports provider"),
        ("components/room.py", "from operations import drift\n", "components.room:1 imports operations"),
        ("operations/room.py", "from runner import stacks\n", "operations.room:1 imports runner"),
        ("runner/room.py", "import yaml\n", "runner.room:1 imports yaml"),
        ("toolchain/room.py", "from runner import stacks\n", "toolchain.room:1 imports runner"),
        ("clients/room.py", "from tests.conftest import KEY\n", "clients.room:1 imports tests.conftest"),
    ],
)
def test_an_import_upwards_is_found(tmp_path: Path, file: str, text: str, finding: str) -> None:
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_text(text)
    [fault] = misdirected(imports(tmp_path))
    assert fault.startswith(f"{finding}; ")


@pytest.mark.parametrize(
    ("file", "text", "finding"),
    [
        ("core/model/room.py", "from core.effective.faults import faults\n", "1 imports core.effective.faults"),
        ("core/model/room.py", "def f():\n    from core.machineconfig import merge\n", "2 imports core.machineconfig"),
        ("core/model/checks/room.py", "from ...effective import x\n", "1 imports core.effective"),
        ("core/model/room.py", "from core.loading import stackfile\n", "1 imports core.loading"),
        ("core/facts/room.py", "import core.model\n", "1 imports core.model"),
        ("core/machineconfig/room.py", "def f():\n    import core.effective.flags\n", "2 imports core.effective.flags"),
        ("core/effective/room.py", "from core.loading.stackfile import load\n", "1 imports core.loading.stackfile"),
    ],
)
def test_an_import_upwards_within_core_is_found(tmp_path: Path, file: str, text: str, finding: str) -> None:
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_text(text)
    [fault] = upwards(imports(tmp_path))
    assert f":{finding}; " in fault


def test_an_import_downwards_within_core_is_none(tmp_path: Path) -> None:
    (tmp_path / "core/effective").mkdir(parents=True)
    (tmp_path / "core/effective/room.py").write_text("from core.model import Platform\nfrom core.effective import x\n")
    assert not list(upwards(imports(tmp_path)))


def test_a_circle_is_found_and_one_inside_a_function_is_none(tmp_path: Path) -> None:
    room = tmp_path / "core"
    room.mkdir()
    (room / "__init__.py").write_text("from . import one\n")
    (room / "one.py").write_text("from .two import x\n")
    (room / "two.py").write_text("from core import one\n")
    assert circles(imports(tmp_path)) == [["core.one", "core.two"]]
    (room / "two.py").write_text("def f():\n    from core import one\n")
    assert circles(imports(tmp_path)) == []
